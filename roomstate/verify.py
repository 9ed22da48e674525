"""Compares the whole log with the whole store, input by input, trusting neither the processor nor the accounting.

The log is read from its start and its frames are split here; the store is asked for every fact 0 with its place, in
the same order; the two streams are merged. So memory is bounded by one chunk of each, whatever their length. What is
judged while this runs lies behind the log's end as it was noted first, and is left out.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, NamedTuple

from roomstate.verify_result import Finding, PartitionResult, Range, Verification
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, Record
from storage.frames import split_frame
from storage.migrate import retention_days
from storage.ownership import stored_marks
from storage.store import Store

_CHUNK_BYTES: Final = 4 * 1024 * 1024
_DAY_MS: Final = 86_400_000

_PLACES_SQL: Final = """
SELECT log_offset, log_index, frame_inputs
FROM room_events
WHERE log_partition = {partition:UInt16} AND fact_index = 0 AND log_offset >= {start:UInt64}
ORDER BY log_offset, log_index
"""
_STREAM_SETTINGS: Final = {"max_bytes_before_external_sort": 256 * 1024 * 1024}

Progress = Callable[[int, int, int], None]
"""Called with a partition, how many of its offsets are compared, and how many there are."""


class _StoredFrame(NamedTuple):
    """The places that the store has of one frame, in order, and what it noted as the frame's number of inputs."""

    offset: int
    indexes: list[int]
    noted: int


async def verify(log: EventLog, store: Store, progress: Progress | None = None) -> Verification:
    """Compare every input of the log with the store.

    Raises: LogUnavailable, StoreUnavailable, StoreRefused.
    """
    result = Verification(log.log_id)
    bounds = await asyncio.to_thread(log.bounds, INPUTS_TOPIC)
    marks = await stored_marks(store, bounds)
    days = await retention_days(store)
    kept_since_ms = now_ms() - days * _DAY_MS if days else 0
    for partition in sorted(bounds):
        due = _Due(partition, bounds[partition], marks[partition].offset, kept_since_ms)
        comparison = _Comparison(log, store, due)
        result.partitions.append(await comparison.run(progress or _silent))
    result.partitions += await _unknown_partitions(store, len(bounds))
    return result


class _Due(NamedTuple):
    """What is to be compared of one partition."""

    partition: int
    bounds: Bounds
    mark: int
    """The highest stored offset when the comparison began; what lies behind it is pending."""
    kept_since_ms: int
    """Frames appended before this may have been forgotten by retention; 0 = nothing is forgotten."""


class _Comparison:
    """The merge of one partition's two streams."""

    def __init__(self, log: EventLog, store: Store, due: _Due) -> None:
        self._log = log
        self._store = store
        self._due = due
        self._result = PartitionResult(due.partition, first_offset=due.bounds.start)

    async def run(self, progress: Progress) -> PartitionResult:
        """Compare everything between the bounds."""
        start, end = self._due.bounds
        frames = _stored_frames(self._store, self._result.partition, start)
        try:
            stored = await anext(frames, None)
            async for record in self._records():
                while stored is not None and stored.offset < record.offset:
                    self._result.unexpected.add(stored.offset, len(stored.indexes))
                    stored = await anext(frames, None)
                if stored is not None and stored.offset == record.offset:
                    self._compare(record, stored)
                    stored = await anext(frames, None)
                else:
                    self._note_absent(record)
                progress(self._result.partition, record.offset + 1 - start, end - start)
            await self._look_behind_the_end(stored, frames)
        finally:
            await frames.aclose()
        return self._result

    async def _records(self) -> AsyncIterator[Record]:
        offset, end = self._due.bounds
        partition = self._result.partition
        while offset < end:
            records = await asyncio.to_thread(self._log.read, INPUTS_TOPIC, partition, offset, _CHUNK_BYTES)
            if not records:
                return
            for record in records:
                if record.offset < end:
                    yield record
            offset = records[-1].offset + 1

    def _compare(self, record: Record, stored: _StoredFrame) -> None:
        held = len(split_frame(record.value))
        result = self._result
        result.frames += 1
        result.inputs += held
        if stored.noted != held:
            result.miscounted.add(record.offset, 1)
        if stored.indexes == list(range(held)):
            result.equal += held
            return
        times = Counter(stored.indexes)
        result.equal += sum(1 for index, count in times.items() if index < held and count == 1)
        for finding, inputs in (
            (result.missing, sum(1 for index in range(held) if index not in times)),
            (result.doubled, sum(1 for index, count in times.items() if index < held and count > 1)),
            (result.unexpected, sum(1 for index in times if index >= held)),
        ):
            if inputs:
                finding.add(record.offset, inputs)

    def _note_absent(self, record: Record) -> None:
        held = len(split_frame(record.value))
        self._result.frames += 1
        self._result.inputs += held
        if record.appended_at_ms < self._due.kept_since_ms:
            self._result.expired.add(record.offset, held)
        elif record.offset > self._due.mark:
            self._result.pending.add(record.offset, held)
        else:
            self._result.missing.add(record.offset, held)

    async def _look_behind_the_end(self, stored: _StoredFrame | None, frames: AsyncIterator[_StoredFrame]) -> None:
        """Find what the store has behind the log's end, unless the log went on meanwhile."""
        end = self._due.bounds.end
        while stored is not None:
            if stored.offset >= end:
                end = (await asyncio.to_thread(self._log.bounds, INPUTS_TOPIC))[self._result.partition].end
            if stored.offset >= end or stored.offset < self._due.bounds.end:
                self._result.unexpected.add(stored.offset, len(stored.indexes))
            stored = await anext(frames, None)


async def _stored_frames(store: Store, partition: int, start: int) -> AsyncGenerator[_StoredFrame, None]:
    """Yield what the store has of each frame, in offset order."""
    offset, indexes, noted = -1, list[int](), 0
    blocks = store.stream_rows(_PLACES_SQL, {"partition": partition, "start": start}, _STREAM_SETTINGS)
    async for block in blocks:
        for row_offset, index, frame_inputs in block:
            if row_offset != offset:
                if indexes:
                    yield _StoredFrame(offset, indexes, noted)
                offset, indexes, noted = row_offset, [], frame_inputs
            indexes.append(index)
    if indexes:
        yield _StoredFrame(offset, indexes, noted)


async def _unknown_partitions(store: Store, partitions: int) -> list[PartitionResult]:
    """Return what the store has of partitions that the log does not have."""
    rows = await store.rows(
        "SELECT log_partition, min(log_offset), max(log_offset), count() FROM room_events "
        "WHERE log_partition >= {partitions:UInt32} AND fact_index = 0 GROUP BY log_partition ORDER BY log_partition",
        {"partitions": partitions},
    )
    return [
        PartitionResult(partition, unexpected=Finding(inputs, [Range(first, last, inputs)]))
        for partition, first, last, inputs in rows
    ]


def _silent(partition: int, done: int, due: int) -> None:
    """Report no progress."""
