"""How far the store is behind the log, cheaply enough to be asked every few seconds, whatever has piled up.

Exact in frames and in the age of the oldest one that waits; the inputs in them are counted if they are few, and else
estimated from samples of the log. `storage/accounting.py` counts exactly, and takes its time.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from storage.event_log import INPUTS_TOPIC, Bounds, EventLog
from storage.frames import split_frame
from storage.ownership import stored_marks
from storage.store import Store

_SAMPLE_BYTES: Final = 64 * 1024
_SAMPLES: Final = 3
"""How many are read of a partition's tail: where it begins, and on."""

_TOTALS_SQL: Final = "SELECT sum(accepted), sum(stored), sum(dead_lettered) FROM accounting"


class Stored(NamedTuple):
    """What the store has."""

    marks: Mapping[int, int]
    """The highest offset of each partition; -1 = none."""
    accepted: int
    """Inputs, as the frames that it knows said they held."""
    stored: int
    dead_lettered: int


class Tail(NamedTuple):
    """What of a partition, or of several, is not in the store yet."""

    frames: int = 0
    inputs: int = 0
    age_ms: int = 0
    """Of the oldest frame."""


async def read_stored(store: Store, partitions: int) -> Stored:
    """Return what the store has of a log with so many partitions.

    Raises: StoreUnavailable, StoreRefused.
    """
    marks = await stored_marks(store, range(partitions))
    ((accepted, stored, dead_lettered),) = await store.rows(_TOTALS_SQL)
    return Stored({partition: mark.offset for partition, mark in marks.items()}, accepted, stored, dead_lettered)


def read_tails(log: EventLog, bounds: Mapping[int, Bounds], marks: Mapping[int, int], now_ms: int) -> dict[int, Tail]:
    """Return what of each partition lies behind its mark; blocks.

    Shape: `bounds` were read after `marks`, so that what is stored meanwhile counts as waiting.
    Raises: LogUnavailable.
    """
    return {partition: _tail(log, partition, mark + 1, bounds[partition], now_ms) for partition, mark in marks.items()}


def all_tails(tails: Iterable[Tail]) -> Tail:
    """Return the sums over partitions, and the oldest age."""
    each = list(tails)
    return Tail(
        sum(tail.frames for tail in each),
        sum(tail.inputs for tail in each),
        max((tail.age_ms for tail in each), default=0),
    )


def _tail(log: EventLog, partition: int, begin: int, bounds: Bounds, now_ms: int) -> Tail:
    waiting = bounds.end - begin
    if waiting <= 0:
        return Tail()
    begin = max(begin, bounds.start)
    age_ms = frames = inputs = 0
    for number in range(_SAMPLES):
        offset = begin + (bounds.end - begin) * number // _SAMPLES
        records = log.read(INPUTS_TOPIC, partition, offset, _SAMPLE_BYTES)
        records = [record for record in records if record.offset < bounds.end]
        if records and not number:
            age_ms = max(0, now_ms - records[0].appended_at_ms)
        frames += len(records)
        inputs += sum(record.lines or len(split_frame(record.value)) for record in records)
        if frames >= waiting:
            break
    return Tail(waiting, round(inputs * waiting / frames) if frames else 0, age_ms)
