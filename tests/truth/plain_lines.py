"""Lines of the log, read the plain way: which are inputs, and what is wrong with those that are none.

Source: design section 3; interfaces.
"""

import json
import zlib
from typing import Any

from tests.truth.told import Line

KINDS = [
    "status",
    "open",
    "refresh",
    "close",
    "kill",
    "expire",
    "room_create",
    "room_update",
    "room_delete",
    "publish",
    "unpublish",
    "log_domains",
    "register",
]
ROOM_KINDS = ("call", "account", "stream")
_TEXTS = [
    "kind",
    "room_kind",
    "room",
    "session",
    "event",
    "state",
    "id",
    "user",
    "reason",
    "replace",
    "device_type",
    "app",
    "service",
    "client_ip",
    "user_agent",
]
_NUMBERS = [
    "received_at_ms",
    "connections",
    "send_streams",
    "recv_streams",
    "seq",
    "occurred_at_ms",
    "lease_ms",
    "client_max_size",
    "max_size",
    "expires_at_ms",
    "bytes_sent",
    "bytes_recv",
]
_TIMES = ("received_at_ms", "occurred_at_ms", "expires_at_ms", "lease_ms")
_LATEST_MS = 9_000_000_000_000
_LINE_BYTES_MAX = 256 * 1024


def lines_of(where: tuple[int, int], appended_at: int, value: bytes, partitions: int, schema: int = 1) -> list[Line]:
    """Return a frame's lines."""
    raws = value.split(b"\n")
    lines = [Line((*where, index), len(raws), appended_at, raw) for index, raw in enumerate(raws)]
    for line in lines:
        if schema == 1:
            _read(line, partitions)
        else:
            line.problem, line.detail = "unknown_schema", f"schema {schema}; this program reads 1"
    return lines


def partition_of(room_kind: str, room: str, partitions: int) -> int:
    return zlib.crc32(f"{room_kind}/{room}".encode()) % partitions


def _read(line: Line, partitions: int) -> None:
    if len(line.raw) > _LINE_BYTES_MAX:
        line.problem, line.detail = "oversized", f"{len(line.raw)} bytes, at most {_LINE_BYTES_MAX} are taken"
        return
    try:
        members = json.loads(line.raw.decode())
        json.dumps(members, ensure_ascii=False).encode()
    except ValueError:
        members = None
    if not _is_shaped(members):
        line.problem = "not_an_input"
        return
    room_kind, room = members.get("room_kind", "call"), members.get("room", "")
    if members.get("kind", "status") not in KINDS:
        line.problem, line.detail = "unknown_kind", repr(members["kind"])[:80]
    elif room_kind not in ROOM_KINDS:
        line.problem, line.detail = "unknown_room_kind", repr(room_kind)[:80]
    elif not _is_in_range(members):
        line.problem, line.detail = "out_of_range", "a time, counter or size is negative or too large"
    elif partition_of(room_kind, room, partitions) != line.place[0]:
        line.problem, line.detail = "wrong_partition", f"{room_kind}/{room}"[:200]
    else:
        line.members = members


def _is_shaped(members: Any) -> bool:
    if not isinstance(members, dict):
        return False
    return (
        all(isinstance(members.get(name, ""), str) for name in _TEXTS)
        and all(type(members.get(name, 0)) is int for name in _NUMBERS)
        and isinstance(members.get("implicit", True), bool)
        and isinstance(members.get("extra", {}), dict)
    )


def _is_in_range(members: dict[str, Any]) -> bool:
    counters = ("connections", "send_streams", "recv_streams", "seq", "bytes_sent", "bytes_recv")
    return (
        members.get("received_at_ms", 0) > 0
        and all(0 <= members.get(name, 0) < _LATEST_MS for name in _TIMES)
        and all(0 <= members.get(name, 0) < 2**64 for name in counters)
    )
