"""Inputs, frames and partitions with defaults, for tests of the processor."""

from collections.abc import Iterable
from typing import Any

import pyarrow

from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from state_machine.inputs import Input
from state_machine.room import Rules
from storage.frames import encode_input

T0_MS = 1_790_000_000_000
RULES = Rules()


def status(room: str = "r", session: str = "s", **members: Any) -> Input:
    """Return a first status: a connection was created."""
    defaults: dict[str, Any] = {
        "kind": "status",
        "received_at_ms": T0_MS,
        "event": "Session.connectionCreated",
        "state": "waiting",
        "connections": 1,
    }
    return Input(room=room, session=session, **{**defaults, **members})


def command(kind: str, room: str = "r", session: str = "", **members: Any) -> Input:
    """Return a command."""
    return Input(kind=kind, room=room, session=session, **{"received_at_ms": T0_MS, **members})


def frame_of(items: Iterable[Input | bytes], offset: int = 0, partition: int = 0) -> Taken:
    """Return a frame of the inputs; bytes stand for themselves."""
    lines = [item if isinstance(item, bytes) else encode_input(item) for item in items]
    return Taken(partition, offset, T0_MS, b"\n".join(lines), lambda: None)


def a_partition(next_offset: int = 0) -> Partition:
    """Return the only partition of a log, nothing known of it yet."""
    return Partition(0, epoch=7, next_offset=next_offset)


def judged(*items: Input | bytes, held: Partition | None = None, offset: int = 0) -> Block:
    """Return the block after one frame of the items."""
    block = Block()
    part = decode_slice(frame_of(items, offset), 0, 1_000_000)
    judge(part, held or a_partition(offset), 1, RULES, block)
    return block


def rows(block: Block, judged_at_ms: int = T0_MS + 5) -> list[dict[str, Any]]:
    """Return the block's rows, times as integer milliseconds."""
    return plain_rows(rows_of(block, {0: 7}, judged_at_ms))


def plain_rows(table: pyarrow.Table) -> list[dict[str, Any]]:
    """Return a table's rows, times as integer milliseconds."""
    columns = [
        column.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(column.type) else column for column in table.columns
    ]
    plain: list[dict[str, Any]] = pyarrow.Table.from_arrays(columns, names=table.column_names).to_pylist()
    return plain
