"""The slow comparison, row by row: it says what differs where the sums of log and store do not agree.

A window of the log's offsets is read on both sides, its rows added up by place, so that memory stays bounded however
often something is doubled.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from roomstate.verification.sums import Buckets
from roomstate.verification.text import CORE_HASH, IS_ERASED, PERSONAL_HASH
from storage.store import Store

WINDOW_ROWS: Final = 50_000
_EXTRA_BYTES_MAX: Final = 4096

_OF_WINDOW: Final = """log_partition = {partition:UInt16}
    AND log_offset >= {start:UInt64} AND log_offset < {stop:UInt64}
    AND intDiv(log_offset - {start:UInt64}, {width:UInt64}) IN {buckets:Array(UInt64)}"""
_COUNT: Final = f"SELECT count() FROM room_events WHERE {_OF_WINDOW}"
_ROWS: Final = f"""
SELECT log_offset, log_index, fact_index, count(), min(frame_inputs), max(frame_inputs),
    min({CORE_HASH}), max({CORE_HASH}), min({PERSONAL_HASH}), max({PERSONAL_HASH}), min({IS_ERASED}),
    max(multiIf(fact_index > 0 OR kind IN ('status', ''), '', length(extra) > {_EXTRA_BYTES_MAX}, NULL, extra))
FROM room_events
WHERE {_OF_WINDOW}
GROUP BY log_offset, log_index, fact_index
ORDER BY log_offset, log_index, fact_index"""
_LONG_EXTRA: Final = """
SELECT any(extra) FROM room_events
WHERE log_partition = {partition:UInt16} AND log_offset = {offset:UInt64} AND log_index = {index:UInt32}
    AND fact_index = 0"""


class StoredPlace(NamedTuple):
    """What the store has under one place: all rows of it, of which there should be one."""

    log_index: int
    fact_index: int
    rows: int
    frame_inputs: tuple[int, int]
    """The lowest and the highest value, as the next ones."""
    core: tuple[int, int]
    personal: tuple[int, int]
    is_erased: bool
    extra: str | None
    """Of a command's fact 0; None if it is long."""


class Window(NamedTuple):
    """Some buckets of one partition that are compared at once."""

    buckets: Buckets
    numbers: list[int]

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges of offsets, neighbours joined."""
        start, stop = self.buckets.offsets(self.numbers[0])
        for number in self.numbers[1:]:
            first, end = self.buckets.offsets(number)
            if first > stop:
                yield start, stop
                start = first
            stop = end
        yield start, stop

    def parameters(self, partition: int) -> dict[str, Any]:
        """Return the parameters of its SQL."""
        start, stop, width = self.buckets
        return {"partition": partition, "start": start, "stop": stop, "width": width, "buckets": self.numbers}


def windows(buckets: Buckets, rows: Iterable[tuple[int, int]]) -> Iterator[Window]:
    """Cut buckets, each given with its number of rows, into windows of about `WINDOW_ROWS`, in their order."""
    numbers: list[int] = []
    held = 0
    for number, count in rows:
        if numbers and held + count > WINDOW_ROWS:
            yield Window(buckets, numbers)
            numbers, held = [], 0
        if count > WINDOW_ROWS:
            yield from _parts(*buckets.offsets(number), count)
        else:
            numbers.append(number)
            held += count
    if numbers:
        yield Window(buckets, numbers)


def _parts(start: int, stop: int, count: int) -> Iterator[Window]:
    width = max(1, (stop - start) * WINDOW_ROWS // count)
    part = Buckets(start, stop, width)
    for number in range(part.of(stop - 1) + 1):
        yield Window(part, [number])


async def rows_between(store: Store, partition: int, start: int, stop: int) -> int:
    """Return how many rows the store has from one offset to before another."""
    window = Window(Buckets(start, stop, stop - start), [0])
    return int((await store.rows(_COUNT, window.parameters(partition)))[0][0])


class StoredFrames:
    """The rows of one window, frame by frame in the order of their offsets."""

    def __init__(self, store: Store, partition: int) -> None:
        self._store = store
        self._partition = partition
        self._places: deque[tuple[Any, ...]] = deque()

    async def read(self, window: Window) -> None:
        """Read what the store has of the window."""
        async for block in self._store.stream_rows(_ROWS, window.parameters(self._partition)):
            self._places.extend(block)

    def next_offset(self) -> int | None:
        """Return the offset of the next frame that the store has."""
        return self._places[0][0] if self._places else None

    def pop(self, offset: int) -> Sequence[StoredPlace]:
        """Return the places of the frame at the offset, if that is the next one that the store has."""
        found = []
        while self._places and self._places[0][0] == offset:
            _, index, fact_index, rows, *held, is_erased, extra = self._places.popleft()
            frame_inputs, core, personal = zip(held[::2], held[1::2], strict=True)
            found.append(StoredPlace(index, fact_index, rows, frame_inputs, core, personal, bool(is_erased), extra))
        return found

    async def long_extra(self, offset: int, index: int) -> str:
        """Return the `extra` of a command's row that was too long to come along."""
        place = {"partition": self._partition, "offset": offset, "index": index}
        return str((await self._store.rows(_LONG_EXTRA, place))[0][0])
