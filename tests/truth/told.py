"""What the log says, as plain data: its lines, and the facts that follow from them.

Nothing in this folder but the tests themselves uses the project's own code: it is all written again from the design's
words, so that it can be wrong in other ways only.
"""

from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str]
"""Room kind and room."""
Place = tuple[int, int, int]
"""Log partition, offset of the frame, index in it."""


@dataclass(slots=True)
class Line:
    """One line of a frame: an input's members, or why it is none."""

    place: Place
    frame_lines: int
    appended_at: int
    raw: bytes
    members: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    detail: str = ""

    def text(self, name: str) -> str:
        return str(self.members.get(name, ""))

    def number(self, name: str) -> int:
        return int(self.members.get(name, 0))

    @property
    def kind(self) -> str:
        return str(self.members.get("kind", "status"))

    @property
    def room_kind(self) -> str:
        return str(self.members.get("room_kind", "call"))

    @property
    def key(self) -> Key:
        return self.room_kind, self.text("room")

    @property
    def received(self) -> int:
        return self.number("received_at_ms")

    @property
    def extra(self) -> dict[str, Any]:
        return dict(self.members.get("extra", {}))


@dataclass(slots=True)
class Snapshot:
    """A state and three counters."""

    state: str = ""
    connections: int = 0
    send_streams: int = 0
    recv_streams: int = 0


@dataclass(slots=True)
class Told:
    """One fact, with the names of the columns. Times are milliseconds; 0 = none."""

    fact: str
    at: int
    session_id: str = ""
    user_id: str = ""
    opened_at: int = 0
    now: Snapshot = field(default_factory=Snapshot)
    before: Snapshot = field(default_factory=Snapshot)
    since: int = 0
    moved: bool = False
    family: str = "notice"
    verdict: str = ""
    reason: str = ""
    lease_ends_at: int = 0
    fact_index: int = 0
    line: Line = field(default_factory=lambda: Line((0, 0, 0), 0, 0, b""))
    speaks: bool = False
    """Whether the row says what the input said of its client."""

    @property
    def key(self) -> Key:
        return self.line.key

    @property
    def room_kind(self) -> str:
        return self.line.room_kind

    @property
    def room_id(self) -> str:
        return self.line.text("room")

    @property
    def kind(self) -> str:
        return "" if self.line.problem else self.line.kind

    @property
    def received(self) -> int:
        return self.line.appended_at if self.line.problem else self.line.received

    @property
    def event(self) -> str:
        return self.line.text("event") if self.fact_index == 0 and not self.line.problem else ""

    @property
    def changes_state(self) -> bool:
        return self.fact != "session_closed" and self.moved and self.now.state != self.before.state

    @property
    def stay(self) -> tuple[str, str, str, int]:
        return self.room_kind, self.room_id, self.session_id, self.opened_at

    def said(self, name: str) -> str:
        return self.line.text(name) if self.speaks else ""

    def counted(self, name: str) -> int:
        return self.line.number(name) if self.speaks else 0
