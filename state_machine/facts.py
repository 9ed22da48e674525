"""One fact: what was decided. Every fact is one row of `room_events`.

Facts of one input are numbered: 0 answers the input, 1, 2, … are its consequences. They are applied in the
order 1, 2, …, 0: what a decision found or caused (leases expired, a session opened implicitly, sessions closed)
holds before its answer.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple


class Snapshot(NamedTuple):
    """A session's state and its three counters."""

    state: str
    connections: int
    send_streams: int
    recv_streams: int


NO_SNAPSHOT = Snapshot("", 0, 0, 0)
INITIAL = Snapshot("init", 0, 0, 0)


class Step(NamedTuple):
    """What a fact says of its session's snapshot; equal ones are mostly one and the same object."""

    before: Snapshot = NO_SNAPSHOT
    declared: Snapshot = NO_SNAPSHOT
    family: str = "notice"
    verdict: str = ""
    moved: bool = False


NO_STEP: Final = Step()
OPENING: Final = Step(declared=INITIAL, moved=True)
NO_EXTRA: Final[dict[str, Any]] = {}
"""Of every fact that has none; nobody changes a fact's members in place."""


@dataclass(slots=True)
class Fact:
    """One decided fact about a room or a session of it.

    The snapshot after a fact is `declared` if it moved, else `before`; a `session_opened` moves from
    `NO_SNAPSHOT` to `INITIAL`.
    Units: `*_ms` are integer milliseconds since the epoch, UTC.
    """

    name: str
    index: int
    at_ms: int
    """The fact's own time: received, raised to the stay's last `at`; the lease's end for an expiry."""
    session_id: str = ""
    user_id: str = ""
    opened_at_ms: int = 0
    """When the stay that this fact belongs to opened; 0 = no stay."""
    step: Step = NO_STEP
    since_ms: int = 0
    """When the state of `before` was entered."""
    reason: str = ""
    lease_ends_at_ms: int = 0
    """After an open or a refresh, and after a status that extended an implicit lease; else 0."""
    status_id: str = ""
    """On a judged status that carried an id: that id."""
    seq: int = 0
    """On a judged status that is neither duplicate nor late: its sequence number; 0 = none."""
    extra: dict[str, Any] = field(default_factory=lambda: NO_EXTRA)
    """Attributes without a column, as needed to restore the room from its rows."""
    conflicts: tuple[str, ...] = ()
    """Sessions that a refusal names."""
    command_id: str = ""
    """On the answer to a command that carried an id: that id."""
    session_number: int = 0
    """On an opening: the session's number (state_machine.numbers); whoever knows the log partition gives it."""
    repeats: "Fact | None" = None
    """The earlier answer to the same command, to be published again."""

    @property
    def before(self) -> Snapshot:
        """The session's snapshot before the fact."""
        return self.step.before

    @property
    def declared(self) -> Snapshot:
        """What was declared."""
        return self.step.declared

    @property
    def moved(self) -> bool:
        """Whether the session's snapshot is the declared one from here on."""
        return self.step.moved

    @property
    def family(self) -> str:
        """The event's family."""
        return self.step.family

    @property
    def verdict(self) -> str:
        """How the status was judged; empty if the fact is none."""
        return self.step.verdict
