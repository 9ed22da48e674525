"""The account of every partition: accepted = stored + dead-lettered + pending (design section 6).

Accepted is what the frames said they held: those in the store by their `frame_inputs`, those still in the log's tail by
counting their lines. Cheap while all is well (one row per partition from a projection); only a partition that does
not add up is looked at more closely, to name the offsets.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from storage.event_log import INPUTS_TOPIC, EventLog
from storage.frames import split_frame
from storage.ownership import stored_marks
from storage.retention import retention_days
from storage.store import Store

_TAIL_BYTES_MAX: Final = 64 * 1024 * 1024
"""How much of one partition's tail is read to count it."""
_CHUNK_BYTES: Final = 1024 * 1024
_RANGES_MAX: Final = 100

_GAPS_SQL = """
SELECT previous + 1, log_offset - 1
FROM
(
    SELECT log_offset, lagInFrame(toInt64(log_offset), 1, {start:Int64} - 1) OVER
        (ORDER BY log_offset ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous
    FROM (SELECT DISTINCT log_offset FROM room_events WHERE log_partition = {partition:UInt16})
)
WHERE toInt64(log_offset) > previous + 1
    AND NOT arrayExists(gap -> tupleElement(gap, 1) <= previous + 1 AND log_offset - 1 <= tupleElement(gap, 2),
        (SELECT groupArray((first_offset, last_offset)) FROM accepted_gaps WHERE log_partition = {partition:UInt16}))
ORDER BY log_offset
LIMIT {limit:UInt32}
"""

_UNEVEN_SQL = """
SELECT log_offset, log_offset, places < said, held > places
FROM
(
    SELECT
        log_offset,
        max(frame_inputs) AS said,
        countIf(fact_index = 0) AS held,
        uniqExactIf(log_index, fact_index = 0) AS places
    FROM room_events WHERE log_partition = {partition:UInt16} GROUP BY log_offset
)
WHERE places < said OR held > places
ORDER BY log_offset
LIMIT {limit:UInt32}
"""

_SUMS: Final = 1 << 64
"""What the store's sums run over at."""

Range = tuple[int, int]


class PartitionAccount(msgspec.Struct, frozen=True):
    """The account of one partition, with the member names of `GET /v1/accounting`."""

    partition: int
    accepted: int
    stored: int
    dead_lettered: int
    pending: int
    log_end_offset: int
    """The offset that the next frame will get."""
    stored_offset: int
    """The highest offset in the store; -1 = none."""
    missing: list[Range]
    """Ranges of offsets, both ends included, of which an input is neither stored nor pending."""
    doubled: list[Range]
    """Ranges of offsets of which an input is stored more than once."""
    pending_is_exact: bool = True
    """False if the tail was too long to count; `pending` is then a lower bound."""

    @property
    def balanced(self) -> bool:
        """Whether everything accepted is in exactly one place."""
        held = self.stored + self.dead_lettered + self.pending
        return self.accepted == held and not self.missing and not self.doubled


class Accounting(msgspec.Struct, frozen=True):
    """The body of `GET /v1/accounting`."""

    balanced: bool
    accepted: int
    stored: int
    dead_lettered: int
    pending: int
    partitions: list[PartitionAccount]


class _Stored(NamedTuple):
    """What the store holds of one partition."""

    frames: int = 0
    first_offset: int = 0
    last_offset: int = -1
    accepted: int = 0
    stored: int = 0
    dead_lettered: int = 0
    offsets_sum: int = 0
    places_sum: int = 0
    places_sum_due: int = 0
    given_up: int = 0
    """Offsets in accepted gaps."""
    given_up_sum: int = 0

    def adds_up(self, start: int) -> bool:
        """Tell whether every frame from `start` on is there once, and every input of them.

        Counts alone would not do: one that is lost and another that is doubled leave them as they were.
        """
        frames_due = self.last_offset - start + 1 - self.given_up if self.frames else 0
        offsets_due = (start + self.last_offset) * (self.last_offset - start + 1) // 2 - self.given_up_sum
        return (
            self.frames == frames_due
            and self.accepted == self.stored + self.dead_lettered
            and (not self.frames or (offsets_due - self.offsets_sum) % _SUMS == 0)
            and self.places_sum == self.places_sum_due
        )


async def read_accounting(store: Store, log: EventLog) -> Accounting:
    """Return the account of every partition of the log.

    Raises: StoreUnavailable, StoreRefused, LogUnavailable.
    """
    partitions = range(log.partitions)
    # The store before the log: what is appended or stored meanwhile counts as pending, never as missing.
    # The marks before the rows: a partition's first rows may come in between, and a mark without rows is taken to mean
    # that retention took them.
    marks = await stored_marks(store, partitions)
    stored = await _read_stored(store)
    keeps_for_ever = not await retention_days(store)
    bounds = await asyncio.to_thread(log.bounds, INPUTS_TOPIC)
    accounts = []
    for partition in partitions:
        # Of what is stored the mark is that of the same answer; `marks` knows more only where retention took all rows.
        held = stored.get(partition) or _Stored(last_offset=marks[partition].offset)
        missing, doubled = await _look_closer(store, partition, held, 0 if keeps_for_ever else held.first_offset)
        end = bounds[partition].end
        pending = await asyncio.to_thread(count_inputs, log, partition, held.last_offset + 1, end)
        accounts.append(_account(partition, held, pending, end, missing=missing, doubled=doubled))
    return Accounting(
        balanced=all(account.balanced for account in accounts),
        accepted=sum(account.accepted for account in accounts),
        stored=sum(account.stored for account in accounts),
        dead_lettered=sum(account.dead_lettered for account in accounts),
        pending=sum(account.pending for account in accounts),
        partitions=accounts,
    )


async def accepted_gaps(store: Store) -> dict[int, list[Range]]:
    """Return the offsets that a person declared lost, by partition.

    Raises: StoreUnavailable, StoreRefused.
    """
    gaps: dict[int, list[Range]] = {}
    for partition, first, last in await store.rows(
        "SELECT log_partition, first_offset, last_offset FROM accepted_gaps"
    ):
        gaps.setdefault(partition, []).append((first, last))
    return gaps


def count_inputs(log: EventLog, partition: int, offset: int, end: int) -> tuple[int, bool]:
    """Count the inputs of the frames from `offset` to before `end`, reading a bounded part of the log.

    Shape: the count, and whether it is exact; past the bound each frame counts as one input.
    """
    inputs = size_bytes = 0
    while offset < end and size_bytes < _TAIL_BYTES_MAX:
        records = log.read(INPUTS_TOPIC, partition, offset, _CHUNK_BYTES)
        if not records:
            break
        for record in records:
            if record.offset < end:
                inputs += record.lines or len(split_frame(record.value))
                size_bytes += len(record.value)
        offset = records[-1].offset + 1
    return inputs + max(end - offset, 0), offset >= end


def as_ranges(offsets: Iterable[Range]) -> list[Range]:
    """Return the ranges, in order, with neighbours and overlaps joined."""
    joined: list[Range] = []
    for first, last in sorted(offsets):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _account(
    partition: int, held: _Stored, pending: tuple[int, bool], end: int, *, missing: list[Range], doubled: list[Range]
) -> PartitionAccount:
    return PartitionAccount(
        partition=partition,
        accepted=held.accepted + pending[0],
        stored=held.stored,
        dead_lettered=held.dead_lettered,
        pending=pending[0],
        log_end_offset=end,
        stored_offset=held.last_offset,
        missing=missing,
        doubled=doubled,
        pending_is_exact=pending[1],
    )


async def _read_stored(store: Store) -> dict[int, _Stored]:
    rows = await store.rows(
        """
        SELECT log_partition, frames, first_offset, last_offset, accepted, stored, dead_lettered,
            offsets_sum, places_sum, places_sum_due, gaps.given_up, gaps.given_up_sum
        FROM accounting
        LEFT JOIN
        (
            SELECT log_partition, sum(last_offset - first_offset + 1) AS given_up,
                sum(intDiv((last_offset - first_offset + 1) * (first_offset + last_offset), 2)) AS given_up_sum
            FROM accepted_gaps GROUP BY log_partition
        ) AS gaps USING (log_partition)
        """
    )
    return {row[0]: _Stored(*row[1:]) for row in rows}


async def _look_closer(store: Store, partition: int, held: _Stored, start: int) -> tuple[list[Range], list[Range]]:
    """Return the ranges of offsets that lack an input and those that hold one twice, from `start` on."""
    if held.adds_up(start):
        return [], []
    parameters = {"partition": partition, "start": start, "limit": _RANGES_MAX}
    gaps = await store.rows(_GAPS_SQL, parameters)
    uneven = await store.rows(_UNEVEN_SQL, parameters)
    missing = [*gaps, *((first, last) for first, last, lacks, _ in uneven if lacks)]
    return as_ranges(missing), as_ranges((first, last) for first, last, _, repeats in uneven if repeats)
