"""The log's side of the quick comparison: frames to sums of hashes, one for each bucket of offsets.

A sum does not depend on the order, so the store adds its rows up as they lie, and a difference shows in its bucket.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from roomstate.verification.text import COUNTER_MAX, Expected, city_hash, expected_of, expected_of_input, keeps
from state_machine.inputs import Input
from storage.event_log import Record
from storage.frames import TIME_MS_MAX, split_frame

BUCKETS: Final = 1024
"""Of each partition; so memory does not grow with the log."""
HASHES: Final = 1 << 64

_Counter = Annotated[int, msgspec.Meta(ge=0, le=COUNTER_MAX)]
_Number = Annotated[int, msgspec.Meta(ge=0)]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=TIME_MS_MAX)]


class _Status(msgspec.Struct, gc=False):
    """A line as nearly all are; whatever does not decode to it is looked at one by one."""

    received_at_ms: Annotated[int, msgspec.Meta(gt=0, lt=TIME_MS_MAX)] = 0
    kind: str = "status"
    room_kind: str = "call"
    room: str = ""
    session: str = ""
    event: str = ""
    state: str = ""
    connections: _Counter = 0
    send_streams: _Counter = 0
    recv_streams: _Counter = 0
    id: str = ""
    seq: _Number = 0
    occurred_at_ms: _Time = 0
    user: str = ""
    device_type: str = ""
    app: str = ""
    service: str = ""
    client_ip: str = ""
    user_agent: str = ""
    bytes_sent: _Number = 0
    bytes_recv: _Number = 0
    extra: dict[str, Any] = {}


_DECODER: Any = msgspec.json.Decoder(_Status)
"""What it gives reads as inputs do."""


class Buckets(NamedTuple):
    """How the offsets of a partition are divided."""

    start: int
    stop: int
    width: int

    @classmethod
    def between(cls, start: int, stop: int) -> "Buckets":
        """Divide the offsets from `start` to before `stop`."""
        return cls(start, stop, max(1, -(-(stop - start) // BUCKETS)))

    def of(self, offset: int) -> int:
        """Return the number of the bucket that an offset is in."""
        return (offset - self.start) // self.width

    def offsets(self, bucket: int) -> tuple[int, int]:
        """Return where the bucket begins and where it has ended."""
        first = self.start + bucket * self.width
        return first, min(first + self.width, self.stop)


class Look(NamedTuple):
    """A row that the sums do not cover: a consequence, or what a command's row keeps in `extra`."""

    log_index: int
    fact_index: int
    copy_hash: int
    extra: str | None
    """Of fact 0; None if it is too long to be looked at in passing."""


class LogSums:
    """The sums of one partition, and the buckets that must be looked at row by row."""

    def __init__(self, partition: int, partitions: int, buckets: Buckets) -> None:
        count = buckets.of(buckets.stop - 1) + 1 if buckets.stop > buckets.start else 0
        self.sums = [0] * count
        self.inputs = [0] * count
        self.frames = [0] * count
        self.suspects: set[int] = set()
        self._partition = partition
        self._partitions = partitions
        self._buckets = buckets

    def add(self, records: Iterable[Record], looks: Mapping[int, Sequence[Look]]) -> None:
        """Add frames, with what the store has beside their answers."""
        for record in records:
            bucket = self._buckets.of(record.offset)
            total, inputs = self._frame(record, looks.get(record.offset, ()), bucket)
            self.sums[bucket] = (self.sums[bucket] + total) % HASHES
            self.inputs[bucket] += inputs
            self.frames[bucket] += 1

    def is_whole(self, bucket: int) -> bool:
        """Tell whether a frame was added for every offset of the bucket."""
        start, stop = self._buckets.offsets(bucket)
        return self.frames[bucket] == stop - start

    def _frame(self, record: Record, looks: Sequence[Look], bucket: int) -> tuple[int, int]:
        """Return the sum of a frame's hashes, and how many inputs it holds."""
        inputs = record.value.count(b"\n") + 1
        items: Sequence[Input] = ()
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            items = _DECODER.decode_lines(record.value)
        if len(items) != inputs:
            return self._line_by_line(record, looks, bucket)
        frame = f"{self._partition}\0{record.offset}\0{inputs}\0"
        others: dict[int, Expected] = {}
        total = sum(map(city_hash, _texts(frame, items, others)))
        for index, expected in others.items():
            total += expected.row_hash(f"{frame}{index}")
        if looks or others:
            for look in looks:
                if look.log_index < inputs and look.log_index not in others:
                    others[look.log_index] = expected_of_input(items[look.log_index])
            if not _agree(looks, others):
                self.suspects.add(bucket)
        return total, inputs

    def _line_by_line(self, record: Record, looks: Sequence[Look], bucket: int) -> tuple[int, int]:
        values = split_frame(record.value)
        lines = {index: expected_of(line, self._partition, self._partitions) for index, line in enumerate(values)}
        frame = f"{self._partition}\0{record.offset}\0{len(lines)}\0"
        if not _agree(looks, lines):
            self.suspects.add(bucket)
        return sum(expected.row_hash(f"{frame}{index}") for index, expected in lines.items()), len(lines)


def _texts(frame: str, items: Sequence[Input], others: dict[int, Expected]) -> list[str]:
    """Return the texts of the plain statuses among the items, in one go because it is the hottest loop there is."""
    for index, x in enumerate(items):
        if x.kind != "status" or x.extra:
            others[index] = expected_of_input(x)
    return [
        f"{frame}{index}\0{x.kind}\0{x.room_kind}\0{x.room}\0{x.id}\0{x.seq}\0{x.occurred_at_ms or x.received_at_ms}\0"
        f"{x.received_at_ms}\0{x.session}\0{x.event}\0{x.device_type}\0{x.service}\0{x.app}\0{x.bytes_sent}\0"
        f"{x.bytes_recv}\0{x.state}\0{x.connections}\0{x.send_streams}\0{x.recv_streams}\0{x.client_ip}\0"
        f"{x.user_agent}\0\0"
        for index, x in enumerate(items)
        if index not in others
    ]


def _agree(looks: Sequence[Look], expectations: Mapping[int, Expected]) -> bool:
    """Tell whether consequences are numbered without gap and copy their input, and commands' rows keep everything."""
    consequences: dict[int, int] = {}
    kept: dict[int, str | None] = {}
    for look in looks:
        expected = expectations.get(look.log_index)
        if expected is None or look.extra is None:
            return False
        if look.fact_index == 0:
            kept[look.log_index] = look.extra
            continue
        consequences[look.log_index] = consequences.get(look.log_index, 0) + 1
        if look.fact_index != consequences[look.log_index] or look.copy_hash != expected.copy_hash:
            return False
    return all(
        keeps(kept.get(index) or "", expected.extra) for index, expected in expectations.items() if expected.extra
    )
