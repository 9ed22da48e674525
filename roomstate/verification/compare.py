"""Compares windows of one partition, row by row, and says why something is missing.

What retention took of the store, or a person declared lost, is no loss; what lies behind the store's mark is pending.
The log may be trimmed at its beginning meanwhile: what it no longer has then is left out.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from roomstate.verification.changes import changed_columns
from roomstate.verification.frame import compare_frame, runs
from roomstate.verification.result import PartitionResult
from roomstate.verification.rows import StoredFrames, Window
from roomstate.verification.text import Expected, expected_of
from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, Record
from storage.frames import split_frame
from storage.ownership import Mark
from storage.store import Store

CHUNK_BYTES: Final = 4 * 1024 * 1024
_NOTES_MAX: Final = 20
"""Of so many changes in a partition the columns are named; each takes a question to the store."""


@dataclass(slots=True)
class Due:
    """What is to be compared of one partition."""

    partition: int
    bounds: Bounds
    """Of the log when the comparison began."""
    mark: Mark
    """Up to where the store holds it; what lies behind is pending."""
    kept_since_ms: int
    """Frames appended before this may have been forgotten by retention; 0 = nothing is forgotten."""
    gaps: list[tuple[int, int]]
    """Offsets that a person declared lost."""


async def records_between(log: EventLog, partition: int, start: int, stop: int) -> AsyncIterator[list[Record]]:
    """Yield the frames from one offset to before another, a chunk at a time.

    Raises: LogUnavailable.
    """
    while start < stop:
        records = await asyncio.to_thread(log.read, INPUTS_TOPIC, partition, start, CHUNK_BYTES)
        within = [record for record in records if record.offset < stop]
        if not within:
            return
        yield within
        start = within[-1].offset + 1


class RowComparison:
    """The comparison of one partition."""

    def __init__(self, log: EventLog, store: Store, due: Due, result: PartitionResult) -> None:
        self._log = log
        self._store = store
        self._due = due
        self._result = result
        self._notes_left = _NOTES_MAX

    async def compare(self, window: Window, passed: Callable[[int], None]) -> tuple[int, int]:
        """Compare the window, telling of each offset that was passed; return how many frames and inputs it holds."""
        stored = StoredFrames(self._store, self._due.partition)
        await stored.read(window)
        frames = inputs = 0
        for start, stop in window.ranges():
            following = start
            async for records in records_between(self._log, self._due.partition, start, stop):
                for record in records:
                    await self._compare_hole(following, record.offset, stored)
                    inputs += await self._compare_frame(record, stored)
                    frames += 1
                    following = record.offset + 1
                passed(following)
            await self._compare_hole(following, stop, stored)
        return frames, inputs

    async def _compare_frame(self, record: Record, stored: StoredFrames) -> int:
        lines = [expected_of(line, self._due.partition, self._log.partitions) for line in split_frame(record.value)]
        offset = record.offset
        found = await compare_frame(lines, stored.pop(offset), lambda index: stored.long_extra(offset, index))
        self._result.equal += found.equal
        for sort, indexes in found.by_sort.items():
            for first, last in runs(indexes):
                note = await self._note(offset, first, lines) if sort == "changed" else ""
                self._add(sort, offset, (first, last), len(lines), note)
        for first, last in runs(found.absent):
            for sort, indexes in self._why_absent(record, first, last):
                self._add(sort, offset, indexes, len(lines))
        return len(lines)

    def _add(self, sort: str, offset: int, indexes: tuple[int, int], frame_inputs: int, note: str = "") -> None:
        is_whole = indexes == (0, frame_inputs - 1)
        self._result.add(sort, offset, indexes[1] - indexes[0] + 1, None if is_whole else indexes, note)

    def _why_absent(self, record: Record, first: int, last: int) -> list[tuple[str, tuple[int, int]]]:
        due, offset = self._due, record.offset
        if record.appended_at_ms < due.kept_since_ms:
            return [("expired", (first, last))]
        if any(gap_first <= offset <= gap_last for gap_first, gap_last in due.gaps):
            return [("given up", (first, last))]
        if offset != due.mark.offset:
            return [("pending" if offset > due.mark.offset else "missing", (first, last))]
        missing = first, min(last, due.mark.index)
        pending = max(first, due.mark.index + 1), last
        return [(sort, each) for sort, each in (("missing", missing), ("pending", pending)) if each[0] <= each[1]]

    async def _note(self, offset: int, index: int, lines: list[Expected]) -> str:
        if not self._notes_left:
            return ""
        self._notes_left -= 1
        return await changed_columns(self._store, (self._due.partition, offset, index), lines[index])

    async def _compare_hole(self, first: int, stop: int, stored: StoredFrames) -> None:
        """Look at offsets that the log does not hold: what it held before its beginning moved on is left out."""
        if first >= stop:
            return
        bounds = await asyncio.to_thread(self._log.bounds, INPUTS_TOPIC)
        first = max(first, bounds[self._due.partition].start)
        while (offset := stored.next_offset()) is not None and offset < stop:
            places = stored.pop(offset)
            if offset >= first:
                if offset > first:
                    self._result.add_offsets("gone", first, offset - 1, offset - first)
                self._result.add("unexpected", offset, len({place.log_index for place in places}))
                first = offset + 1
        if first < stop:
            self._result.add_offsets("gone", first, stop - 1, stop - first)
