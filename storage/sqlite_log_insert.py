"""Inserting frames at the ends of their partitions, in as few steps of SQLite as can be.

Each step lets go of the interpreter, and beside a busy event loop it takes a while to have it back; so the ends come as
one row, and many rows go into one statement.
"""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from storage.clock import now_ms
from storage.event_log import Frame
from storage.sqlite_log_file import TOPIC_NUMBERS

_ROWS_MAX: Final = 32
"""Of one statement."""

# OR ROLLBACK: the transaction is lost with any of its rows anyway, and SQLite need not keep a journal of the statement.
_SELECT_ENDS: Final = "SELECT json_group_array(json_array(topic, partition, end_offset)) FROM partitions"
_INSERT_FRAMES: Final = (
    "INSERT OR ROLLBACK INTO frames (topic, partition, offset, appended_at_ms, lines, value) VALUES "
)
_UPDATE_ENDS: Final = (
    "INSERT OR ROLLBACK INTO partitions (topic, partition, start_offset, end_offset) VALUES ",
    " ON CONFLICT DO UPDATE SET end_offset = excluded.end_offset",
)


def insert_frames(connection: sqlite3.Connection, frames: Sequence[Frame]) -> list[int]:
    """Insert the frames inside the caller's transaction and return their offsets, in the given order."""
    (found,) = connection.execute(_SELECT_ENDS).fetchone()
    ends = {(topic, partition): end for topic, partition, end in msgspec.json.decode(found)}
    next_offsets: dict[tuple[int, int], Iterator[int]] = {}
    rows: list[tuple[Any, ...]] = []
    at_ms = now_ms()
    for frame in frames:
        key = (TOPIC_NUMBERS[frame.topic], frame.partition)
        if key not in next_offsets:
            next_offsets[key] = itertools.count(ends[key])
        rows.append((*key, next(next_offsets[key]), at_ms, frame.lines, frame.value))
    _execute_with_rows(connection, rows, _INSERT_FRAMES)
    _execute_with_rows(connection, [(*key, 0, next(offset)) for key, offset in next_offsets.items()], *_UPDATE_ENDS)
    return [row[2] for row in rows]


def _execute_with_rows(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], before: str, after: str = ""
) -> None:
    """Execute a statement whose VALUES are the rows; several if they are too many for one."""
    for start in range(0, len(rows), _ROWS_MAX):
        some = rows[start : start + _ROWS_MAX]
        places = ", ".join(["(" + ", ".join("?" * len(some[0])) + ")"] * len(some))
        connection.execute(before + places + after, list(itertools.chain.from_iterable(some)))
