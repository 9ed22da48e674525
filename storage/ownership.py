"""Who may write which partition of the log, and from where on (design section 6).

The owner of a partition is whoever has its highest epoch in `owners`; the gate before `room_events` refuses everybody
else. So a worker that was given partitions claims them, waits until no insert that passed the gate before the claim is
still running, reads the marks, and goes on behind them. After an insert whose outcome is unknown it does the same.
"""

import asyncio
import random
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from storage.cluster_schema import check_layout
from storage.event_log import Bounds, LogMismatch
from storage.session_numbers import last_numbers
from storage.settling import SETTLE_S, settle
from storage.store import Store, StoreUnavailable

_CLAIM_ATTEMPTS: Final = 12
_PAUSE_MAX_S: Final = 2.0
"""Losers of a simultaneous claim try again after a random pause that grows up to this, so that one gets through."""


@dataclass(frozen=True, order=True, slots=True)
class Mark:
    """Up to where the store holds a partition: the place of its highest fact; offset -1 = nothing."""

    offset: int
    index: int
    fact_index: int


NOTHING: Final = Mark(-1, 0, 0)
WHOLE_FRAME: Final = (1 << 32) - 1
"""Index of a mark that covers its frame, however many lines it has: that of an accepted gap, which nobody reads."""


class Owner(NamedTuple):
    """Who writes a row of `owners`, and when."""

    owner: str
    log_id: str
    now_ms: int


class Stored(NamedTuple):
    """What retention must not take: up to where the store holds each partition, and the last session numbers."""

    marks: Mapping[int, Mark]
    numbers: Mapping[int, int]


class LogOfAnotherStore(LogMismatch):
    """The store's rows came from another log."""

    def __init__(self, log_id: str, known: str) -> None:
        super().__init__(
            f"the store holds facts of log {known}, but this log is {log_id}: give back the log that belongs to the "
            "store (ROOMSTATE_LOG_URL), or name an empty database (ROOMSTATE_STORE_URL)"
        )
        self.log_id = log_id
        self.known = known


class LogTooShort(LogMismatch):
    """The log ends before what the store already holds: it was cut off or restored from an old copy."""

    def __init__(self, partition: int, log_end: int, mark: int) -> None:
        super().__init__(
            f"partition {partition}: the log ends before offset {log_end}, but the store holds it up to offset {mark}: "
            "the log lost its end; give back the whole log, or name an empty database (ROOMSTATE_STORE_URL)"
        )
        self.partition = partition
        self.log_end = log_end
        self.mark = mark


class LogGap(LogMismatch):
    """The log begins behind what the store needs next: frames were trimmed before they were stored."""

    def __init__(self, partition: int, first_missing: int, last_missing: int) -> None:
        super().__init__(
            f"partition {partition}: offsets {first_missing} to {last_missing} are neither in the store nor any longer "
            "in the log: give back a log that has them, or accept the loss with `roomstate accept-gap`"
        )
        self.partition = partition
        self.first_missing = first_missing
        self.last_missing = last_missing


async def claim(
    store: Store, partitions: Iterable[int], owner: str, log_id: str, now_ms: int, *, settle_s: float = SETTLE_S
) -> dict[int, int]:
    """Become the owner of the partitions and return the epoch of each; older owners can't write any more.

    Shape: `owner` is unique to the caller.  Units: `settle_s` bounds the wait for older inserts.
    Guarantees: on return no older insert is running or can begin, so that marks read now are final.
    Raises: LogOfAnotherStore, before anything is written; StoreUnavailable, also if others keep claiming or an older
    insert does not end.
    """
    wanted = sorted(set(partitions))
    if not wanted:
        return {}
    await _check_log_id(store, log_id)
    stored = await _stored(store, wanted)
    newest = await _newest_epochs(store, wanted)
    epochs: dict[int, int] = {}
    for attempt in range(_CLAIM_ATTEMPTS):
        lost = {partition: next_epoch(newest[partition]) for partition in wanted if epochs.get(partition) is None}
        await _insert_owners(store, Owner(owner, log_id, now_ms), lost, stored)
        epochs |= lost
        newest = await _newest_epochs(store, wanted)
        epochs = {partition: epoch for partition, epoch in epochs.items() if newest[partition] == epoch}
        if len(epochs) == len(wanted):
            await _check_log_id(store, log_id)
            await settle(store, epochs, settle_s)
            return epochs
        await asyncio.sleep(random.uniform(0, min(0.05 * 2**attempt, _PAUSE_MAX_S)))
    raise StoreUnavailable(f"others keep claiming partitions {wanted}: is another set of processors running?")


def next_epoch(newest: int) -> int:
    """Return an epoch above `newest`: a counter and 32 random bits, so that simultaneous claims never tie."""
    return ((newest >> 32) + 1) << 32 | secrets.randbits(32)


async def record_marks(store: Store, epochs: Mapping[int, int], owner: Owner) -> None:
    """Note in `owners` up to where the store holds the partitions, so that retention can't forget an idle one's mark.

    To be called by a long-lived owner at least once in the shortest retention, which is a day.
    """
    await _insert_owners(store, owner, epochs, await _stored(store, epochs))


async def stored_marks(store: Store, partitions: Iterable[int]) -> dict[int, Mark]:
    """Return each partition's highest stored place; `NOTHING` where nothing was stored.

    An accepted gap counts as stored.
    """
    wanted = sorted(set(partitions))
    rows = await store.rows(
        """
        SELECT log_partition, (toInt64(tupleElement(place, 1)), tupleElement(place, 2), tupleElement(place, 3))
        FROM
        (
            SELECT log_partition, max((log_offset, log_index, fact_index)) AS place
            FROM room_events WHERE log_partition IN {wanted:Array(UInt16)} GROUP BY log_partition
        )
        UNION ALL
        SELECT log_partition, max((mark_offset, mark_index, mark_fact_index))
        FROM owners WHERE log_partition IN {wanted:Array(UInt16)} GROUP BY log_partition
        UNION ALL
        SELECT log_partition, max((toInt64(last_offset), {whole_frame:UInt32}, toUInt16(0)))
        FROM accepted_gaps WHERE log_partition IN {wanted:Array(UInt16)} GROUP BY log_partition
        """,
        {"wanted": wanted, "whole_frame": WHOLE_FRAME},
    )
    marks = dict.fromkeys(wanted, NOTHING)
    for partition, place in rows:
        marks[partition] = max(marks[partition], Mark(*place))
    return marks


async def check_log(
    store: Store, log_id: str, bounds: Mapping[int, Bounds], marks: Mapping[int, Mark]
) -> dict[int, LogMismatch]:
    """Return what is wrong between the store and the log, by partition; empty = nothing.

    Shape: `bounds` are those of the inputs topic; only partitions that `marks` names are looked at.
    Raises: LogOfAnotherStore, which concerns every partition.
    """
    await _check_log_id(store, log_id)
    problems: dict[int, LogMismatch] = {}
    for partition, mark in marks.items():
        start, end = bounds[partition]
        if end <= mark.offset:
            problems[partition] = LogTooShort(partition, end, mark.offset)
        elif start > mark.offset + 1:
            problems[partition] = LogGap(partition, mark.offset + 1, start - 1)
    return problems


async def accept_gap(store: Store, gap: LogGap, now_ms: int) -> None:
    """Declare the gap's offsets lost, so that the partition goes on behind them; the store keeps the record."""
    await store.command(
        "INSERT INTO accepted_gaps SELECT {partition:UInt16}, {first:UInt64}, {last:UInt64}, "
        "fromUnixTimestamp64Milli({at:Int64}, 'UTC')",
        {"partition": gap.partition, "first": gap.first_missing, "last": gap.last_missing, "at": now_ms},
    )


async def _check_log_id(store: Store, log_id: str) -> None:
    await check_layout(store)
    for (known,) in await store.rows("SELECT DISTINCT log_id FROM owners WHERE log_id != ''"):
        if known != log_id:
            raise LogOfAnotherStore(log_id, known)


async def _newest_epochs(store: Store, partitions: list[int]) -> dict[int, int]:
    rows = await store.rows(
        "SELECT log_partition, max(epoch) FROM owners WHERE log_partition IN {wanted:Array(UInt16)} "
        "GROUP BY log_partition",
        {"wanted": partitions},
    )
    return dict.fromkeys(partitions, 0) | dict(rows)


async def _stored(store: Store, partitions: Iterable[int]) -> Stored:
    return Stored(await stored_marks(store, partitions), await last_numbers(store, partitions))


async def _insert_owners(store: Store, owner: Owner, epochs: Mapping[int, int], stored: Stored) -> None:
    """Insert one row per partition, all in one part."""
    places = [
        (partition, epoch, mark.offset, mark.index, mark.fact_index, stored.numbers[partition])
        for partition, epoch in epochs.items()
        for mark in (stored.marks[partition],)
    ]
    await store.command(
        """
        INSERT INTO owners (log_partition, epoch, owner, log_id, claimed_at, mark_offset, mark_index, mark_fact_index,
            mark_session_number)
        SELECT tupleElement(place, 1), tupleElement(place, 2), {owner:String}, {log_id:String},
            fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC'),
            tupleElement(place, 3), tupleElement(place, 4), tupleElement(place, 5), tupleElement(place, 6)
        FROM (SELECT arrayJoin({places:Array(Tuple(UInt16, UInt64, Int64, UInt32, UInt16, UInt64))}) AS place)
        """,
        {"places": places, "owner": owner.owner, "log_id": owner.log_id, "now_ms": owner.now_ms},
    )
