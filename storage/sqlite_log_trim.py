"""Forgetting old frames of the SQLite log, in steps short enough that no writer waits long."""

import sqlite3

from storage.sqlite_log_write import Writer

STEP_FRAMES = 100
_STEP_TIMEOUT_S = 5.0

_SELECT_BOUNDS = "SELECT start_offset, end_offset FROM partitions WHERE topic = ? AND partition = ?"
_SELECT_YOUNG = """SELECT min(offset) FROM frames
WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ? AND appended_at_ms >= ?"""
_DELETE = "DELETE FROM frames WHERE topic = ? AND partition = ? AND offset < ?"
_UPDATE_START = "UPDATE partitions SET start_offset = ? WHERE topic = ? AND partition = ?"


def trim_partition(writer: Writer, topic: int, partition: int, before: int, older_than_ms: int) -> int:
    """Delete the partition's frames below `before` up to the first that is not older; return how many.

    Raises: LogUnavailable if a step could not be written; the steps before it hold.
    """
    trimmed = 0
    while True:
        gone = writer.transact(
            lambda connection: _trim_step(connection, topic, partition, before, older_than_ms), _STEP_TIMEOUT_S
        )
        trimmed += gone
        if gone < STEP_FRAMES:
            return trimmed


def _trim_step(connection: sqlite3.Connection, topic: int, partition: int, before: int, older_than_ms: int) -> int:
    start: int
    start, end = connection.execute(_SELECT_BOUNDS, (topic, partition)).fetchone()
    limit = max(start, min(before, end, start + STEP_FRAMES))
    key = (topic, partition)
    (young,) = connection.execute(_SELECT_YOUNG, (*key, start, limit, older_than_ms)).fetchone()
    new_start = limit if young is None else int(young)
    if new_start > start:
        connection.execute(_DELETE, (*key, new_start))
        connection.execute(_UPDATE_START, (new_start, *key))
    return new_start - start
