"""One input: one thing that somebody claims or asks, as it stands in the log.

The field names are the member names of the JSON line (design section 3); a member at its default is left out there.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Input:
    """One decoded line of a frame.

    Units: `*_ms` are integer milliseconds since the epoch, UTC; 0 = not given.
    """

    kind: str = "status"
    received_at_ms: int = 0
    """When ingest accepted it: the only time that rules look at."""
    room_kind: str = "call"
    room: str = ""
    session: str = ""
    event: str = ""
    """As sent; a value that was not a string, as its JSON text (which never equals a state or an event name)."""
    state: str = ""
    connections: int = 0
    send_streams: int = 0
    recv_streams: int = 0
    id: str = ""
    """Set where somebody waits for the decision, or where the client gave an idempotency key."""
    seq: int = 0
    """The client's own sequence number; 0 = none."""
    occurred_at_ms: int = 0
    """The client's claim."""
    user: str = ""
    """The user's id; of Loop users a keyed hash. In `room_create` the owner, in `register` the registered user."""
    implicit: bool = True
    """Whether a status of a session that nobody opened may open it."""
    reason: str = ""
    lease_ms: int = 0
    """Length of the lease asked for by an open; 0 = the room kind's own."""
    client_max_size: int = 0
    """open: how many participants the client can handle; 0 = no bound."""
    replace: str = ""
    """open, in an account: a session that is to give way by its id, or `oldest`."""
    max_size: int = 0
    """room_create, room_update: seats of the room; 0 = no bound (room_create) or unchanged (room_update)."""
    expires_at_ms: int = 0
    """room_create, room_update: when the room itself ends; 0 = never, or unchanged."""
    device_type: str = ""
    app: str = ""
    service: str = ""
    client_ip: str = ""
    user_agent: str = ""
    bytes_sent: int = 0
    bytes_recv: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    """Members that no column holds; kept as JSON."""
