"""Compares the whole log with the whole store, input by input, trusting neither the processor nor the accounting.

First both sides add up hashes of what they hold (roomstate/verification/text.py says of what), in buckets of offsets:
the log is read from its start and its frames are split and hashed here, the store adds up its rows as they lie. What
agrees is equal; only buckets that do not are read again row by row, to say what differs. So memory is bounded whatever
the length and whatever is found. What is judged while this runs lies behind the store's mark as it was noted first; it
is compared last, after the processor has had a chance to get there. What was accepted after this began is left out.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from roomstate.verification.compare import Due, RowComparison, records_between
from roomstate.verification.looks import Looks
from roomstate.verification.outside import note_what_lies_outside
from roomstate.verification.result import PartitionResult, Verification
from roomstate.verification.rows import rows_between, windows
from roomstate.verification.store_sums import StoreSums, store_sums
from roomstate.verification.sums import Buckets, LogSums
from storage.accounting import accepted_gaps
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, EventLog
from storage.ownership import stored_marks
from storage.retention import retention_days
from storage.store import Store

SETTLE_S: Final = 5.0
"""For how long the store's marks may stand still before what lies behind them is called pending."""
_PAUSE_S: Final = 0.1
_DAY_MS: Final = 86_400_000

Progress = Callable[[str, int, int], None]
"""Called with a step, how much of it is done, and how much there is."""


async def verify(
    log: EventLog, store: Store, progress: Progress | None = None, settle_s: float = SETTLE_S
) -> Verification:
    """Compare every input of the log with the store.

    Raises: LogUnavailable, StoreUnavailable, StoreRefused.
    """
    return await _Run(log, store, progress or _silent).run(settle_s)


class _Run:
    """One verification."""

    def __init__(self, log: EventLog, store: Store, progress: Progress) -> None:
        self._log = log
        self._store = store
        self._progress = progress

    async def run(self, settle_s: float) -> Verification:
        """Compare everything."""
        dues = await self._dues()
        results = [PartitionResult(due.partition, due.bounds.start) for due in dues]
        # The mark's own frame may be stored in part; it is compared with what is pending.
        buckets = [
            Buckets.between(start, min(max(due.mark.offset, start), end)) for due in dues for start, end in [due.bounds]
        ]
        suspects = await self._add_up(buckets, results)
        comparisons = [
            RowComparison(self._log, self._store, due, result) for due, result in zip(dues, results, strict=True)
        ]
        for comparison, due, each, rows in zip(comparisons, dues, buckets, suspects, strict=True):
            await self._compare(comparison, due.partition, each, rows)
        await self._settle(dues, settle_s)
        for comparison, due, each, result in zip(comparisons, dues, buckets, results, strict=True):
            await self._compare_tail(comparison, due, each.stop, result)
        results += await note_what_lies_outside(self._log, self._store, dues, results)
        return Verification(self._log.log_id, results)

    async def _dues(self) -> list[Due]:
        bounds = await asyncio.to_thread(self._log.bounds, INPUTS_TOPIC)
        marks = await stored_marks(self._store, bounds)
        days = await retention_days(self._store)
        kept_since_ms = now_ms() - days * _DAY_MS if days else 0
        gaps = await accepted_gaps(self._store)
        return [
            Due(partition, bounds[partition], marks[partition], kept_since_ms, gaps.get(partition, []))
            for partition in sorted(bounds)
        ]

    async def _add_up(
        self, buckets: Sequence[Buckets], results: Sequence[PartitionResult]
    ) -> list[list[tuple[int, int]]]:
        """Compare the sums; return of each partition the buckets that differ, with how many rows the store has."""
        adding = asyncio.create_task(store_sums(self._store, buckets, self._progress))
        try:
            looks = Looks(self._store, buckets)
            log_sums = [await self._log_sums(partition, each, looks) for partition, each in enumerate(buckets)]
            stored = await adding
        finally:
            adding.cancel()
        return [_differing(sums, held, result) for sums, held, result in zip(log_sums, stored, results, strict=True)]

    async def _log_sums(self, partition: int, buckets: Buckets, looks: Looks) -> LogSums:
        sums = LogSums(partition, self._log.partitions, buckets)
        due = buckets.stop - buckets.start
        async for records in records_between(self._log, partition, buckets.start, buckets.stop):
            following = records[-1].offset + 1
            await asyncio.to_thread(sums.add, records, await looks.before(partition, following))
            self._progress(f"log, partition {partition}", following - buckets.start, due)
        return sums

    async def _compare(
        self, comparison: RowComparison, partition: int, buckets: Buckets, rows: Sequence[tuple[int, int]]
    ) -> tuple[int, int]:
        """Compare some buckets row by row; return how many frames and inputs the log has in them."""
        due = buckets.stop - buckets.start
        frames = inputs = 0
        for window in windows(buckets, rows):
            counted = await comparison.compare(
                window, lambda offset: self._progress(f"row by row, partition {partition}", offset - buckets.start, due)
            )
            frames, inputs = frames + counted[0], inputs + counted[1]
        return frames, inputs

    async def _settle(self, dues: Sequence[Due], settle_s: float) -> None:
        """Wait for what was accepted before this began, as long as a processor is at work and gets on."""
        behind = {due.partition: due for due in dues if due.mark.offset < due.bounds.end - 1}
        while behind and await asyncio.to_thread(self._log.consumers) > 0:
            try:
                async with asyncio.timeout(settle_s):
                    while not await self._have_moved(behind):
                        await asyncio.sleep(_PAUSE_S)
            except TimeoutError:
                break
            behind = {number: due for number, due in behind.items() if due.mark.offset < due.bounds.end - 1}
            self._progress("waiting for the processor", len(dues) - len(behind), len(dues))

    async def _have_moved(self, behind: Mapping[int, Due]) -> bool:
        """Take over newer marks and tell whether there are any."""
        marks = await stored_marks(self._store, behind)
        moved = [due for number, due in behind.items() if marks[number] > due.mark]
        for due in moved:
            due.mark = marks[due.partition]
        return bool(moved)

    async def _compare_tail(self, comparison: RowComparison, due: Due, start: int, result: PartitionResult) -> None:
        """Compare what was not settled when this began."""
        stop = due.bounds.end
        if start >= stop:
            return
        rows = await rows_between(self._store, due.partition, start, stop)
        frames, inputs = await self._compare(comparison, due.partition, Buckets(start, stop, stop - start), [(0, rows)])
        result.frames += frames
        result.inputs += inputs


def _differing(log: LogSums, stored: StoreSums, result: PartitionResult) -> list[tuple[int, int]]:
    """Note what agrees; return the buckets that do not, with how many rows the store has."""
    differing = []
    for bucket, total in enumerate(log.sums):
        rows, stored_total = stored.get(bucket, (0, 0))
        inputs = log.inputs[bucket]
        result.frames += log.frames[bucket]
        result.inputs += inputs
        if (rows, stored_total) == (inputs, total) and bucket not in log.suspects and log.is_whole(bucket):
            result.equal += inputs
        else:
            differing.append((bucket, rows))
    return differing


def _silent(step: str, done: int, due: int) -> None:
    """Report no progress."""
