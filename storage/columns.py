"""The columns that a writer of `room_events` gives, with their Arrow types, in table order.

`inserted_at` is missing because the store sets it. Times are Arrow timestamps of milliseconds UTC, so a writer gives
plain integers; enumerations and low-cardinality columns take plain strings.
Source: interfaces, `room_events`; storage/migrations/ (a test holds the two together).
"""

from array import array
from collections.abc import Sequence
from typing import Any, Final

import pyarrow

TIME: Final = pyarrow.timestamp("ms", tz="UTC")

COLUMN_TYPES: Final[dict[str, pyarrow.DataType]] = {
    "kind": pyarrow.string(),
    "fact": pyarrow.string(),
    "fact_index": pyarrow.uint16(),
    "room_kind": pyarrow.string(),
    "room_id": pyarrow.string(),
    "session_id": pyarrow.string(),
    "user_id": pyarrow.string(),
    "event": pyarrow.string(),
    "event_family": pyarrow.string(),
    "state": pyarrow.string(),
    "connections": pyarrow.uint32(),
    "send_streams": pyarrow.uint32(),
    "recv_streams": pyarrow.uint32(),
    "prev_state": pyarrow.string(),
    "prev_connections": pyarrow.uint32(),
    "prev_send_streams": pyarrow.uint32(),
    "prev_recv_streams": pyarrow.uint32(),
    "verdict": pyarrow.string(),
    "reason": pyarrow.string(),
    "rule_version": pyarrow.uint16(),
    "moved": pyarrow.bool_(),
    "opened_at": TIME,
    "prev_since": TIME,
    "lease_ends_at": TIME,
    "device_type": pyarrow.string(),
    "service": pyarrow.string(),
    "app": pyarrow.string(),
    "client_ip": pyarrow.string(),
    "user_agent": pyarrow.string(),
    "bytes_sent": pyarrow.uint64(),
    "bytes_recv": pyarrow.uint64(),
    "input_id": pyarrow.string(),
    "client_seq": pyarrow.uint64(),
    "occurred_at": TIME,
    "received_at": TIME,
    "at": TIME,
    "judged_at": TIME,
    "log_partition": pyarrow.uint16(),
    "log_offset": pyarrow.uint64(),
    "log_index": pyarrow.uint32(),
    "frame_inputs": pyarrow.uint32(),
    "epoch": pyarrow.uint64(),
    "session_number": pyarrow.uint64(),
    "extra": pyarrow.string(),
}
"""By column name. No value is ever NULL: a time that is not known is 0, a text that is not known is empty."""

ROW_SCHEMA: Final = pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in COLUMN_TYPES.items()])

_UINT64: Final = "L" if array("L").itemsize == 8 else "Q"
"""Both are unsigned; where it is as wide, `L` is filled in a third of the time."""

LANDING_TABLE: Final = "room_events_landing"
"""Where writers insert; the gate lets a block through to `room_events` or refuses it whole."""


def column_of(kind: pyarrow.DataType, values: Sequence[Any]) -> pyarrow.Array:
    """Return texts, times or numbers as a column; integers in a fraction of the time that Arrow takes itself."""
    if not any(values):
        return pyarrow.repeat(pyarrow.scalar("" if kind == pyarrow.string() else 0, kind), len(values))
    if kind == pyarrow.string():
        return pyarrow.array(values, kind)
    try:
        buffer = pyarrow.py_buffer(array(_UINT64, values))
    except OverflowError:  # a time before 1970
        return pyarrow.array(values, kind)
    numbers = pyarrow.Array.from_buffers(pyarrow.uint64(), len(values), [None, buffer])
    return numbers.cast(pyarrow.int64()).cast(kind) if kind == TIME else numbers.cast(kind)
