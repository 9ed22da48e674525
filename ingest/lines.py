"""The line of the log that ingest writes for one input.

The members are those of `state_machine.inputs.Input`, name by name and default by default (a test holds them
together); this form exists because it encodes in well under a microsecond.
Source: design section 3.
"""

from typing import Any

import msgspec

from storage.frames import partition_of


class Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    """One input on its way to the log; the meaning of each member stands in `Input`.

    Units: `*_ms` are integer milliseconds since the epoch, UTC; 0 = not given.
    """

    kind: str
    received_at_ms: int
    room_kind: str
    room: str
    session: str = ""
    event: str = ""
    state: str = ""
    connections: int = 0
    send_streams: int = 0
    recv_streams: int = 0
    id: str = ""
    seq: int = 0
    occurred_at_ms: int = 0
    user: str = ""
    implicit: bool = True
    reason: str = ""
    lease_ms: int = 0
    client_max_size: int = 0
    replace: str = ""
    max_size: int = 0
    expires_at_ms: int = 0
    device_type: str = ""
    app: str = ""
    service: str = ""
    client_ip: str = ""
    user_agent: str = ""
    bytes_sent: int = 0
    bytes_recv: int = 0
    extra: dict[str, Any] = {}


encode_line = msgspec.json.Encoder().encode
"""Return a `Line` as the bytes of one line, members at their default left out."""


def placed(line: Line, partitions: int) -> tuple[int, bytes]:
    """Return the line's partition and bytes."""
    return partition_of(line.room_kind, line.room, partitions), encode_line(line)
