"""A room: its attributes, its sessions with their snapshots and leases, and the commands it answered.

Plain data, owned by one processor; `decide` reads it and `evolve` changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from state_machine.facts import INITIAL, Fact, Snapshot

NEVER_MS = 1 << 62
"""Later than any lease's end."""
NO_ATTRIBUTES: Final[Mapping[str, Any]] = {}
"""Of every room that has none: most were never created, and an empty dict of each would be seen in memory."""

NO_ANSWERS: Final[dict[str, Fact]] = {}
"""Of every room that answered no command with an id; stays empty."""


@dataclass(slots=True)
class Session:
    """One stay of one client in a room, from its opening until it is forgotten."""

    session_id: str
    user_id: str
    opened_at_ms: int
    at_ms: int
    """The stay's last `at`: no later fact of the stay is dated before it."""
    snapshot: Snapshot = INITIAL
    since_ms: int = 0
    """When the snapshot's state was entered."""
    lease_ms: int = 0
    lease_ends_at_ms: int = 0
    implicit: bool = False
    """Opened by a status: each of its statuses extends the lease."""
    seq: int = 0
    """The highest client sequence number so far."""
    client_max_size: int = 0
    device_type: str = ""
    recent_ids: tuple[str, ...] = ()
    """Ids of its last 32 statuses that had one, oldest first."""
    closed_at_ms: int = 0
    """0 = live."""
    close_reason: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """That a room's stream is published, by whom to reach it, and until when."""

    node: str
    """The origin's address."""
    region: str
    started_at_ms: int
    at_ms: int
    """When it was published last; nothing later of this publication is dated before it."""
    lease_ends_at_ms: int
    """0 = until it is unpublished."""


@dataclass(slots=True)
class Room:
    """Everything that decisions about one room depend on."""

    room_kind: str
    room_id: str
    created_at_ms: int = 0
    """0 = never created explicitly."""
    deleted_at_ms: int = 0
    owner: str = ""
    max_size: int = 0
    """Seats; 0 = no bound."""
    expires_at_ms: int = 0
    """The end that it was given; 0 = none. When it does end says `state_machine.endings`."""
    said_at_ms: int = 0
    """When it was created or last updated."""
    used_at_ms: int = 0
    """When somebody last joined, refreshed or left."""
    attributes: Mapping[str, Any] = field(default_factory=lambda: NO_ATTRIBUTES)
    """What the contract's edge keeps in the room and no rule looks at."""
    sessions: dict[str, Session] = field(default_factory=dict)
    """Live and recently closed sessions, by session id."""
    publication: Publication | None = None
    """Of a stream while it is published."""
    next_lease_end_ms: int = NEVER_MS
    """No lease of the room, a session's or its publication's, ends before this; may be early, never late."""
    answers: dict[str, Fact] = field(default_factory=lambda: NO_ANSWERS)
    """The last 128 answered commands that had an id, oldest first."""
    look_at_ms: int = field(default=NEVER_MS, compare=False)
    """For whoever closes idle rooms: when they look at the leases next. No decision depends on it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decisions depend on.

    Units: milliseconds.
    """

    call_lease_ms: int = 300_000
    account_lease_ms: int = 7_200_000
    stream_lease_ms: int = 0
    playback_limit: int = 2
    closed_memory_ms: int = 300_000
    """For how long after its closing a session's statuses are judged `after_close`."""
