"""Frames as Kafka's record batches, and back.

Reading gives one `Record` for each offset, without a gap. Where a batch holds no frame at an offset (a marker of
somebody's transaction, a record without a value, one that compaction took) the record is empty: a line that is no
input, which becomes a dead letter like any other.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from kafka import errors
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from storage.event_log import Frame, LogUnreadable, Record
from storage.frames import SCHEMA_VERSION

RECORD_OVERHEAD_BYTES: Final = 128
"""What a record costs in memory beside its value, so that many empty frames stay bounded too."""
SCHEMA_HEADER: Final = "schema"
COUNT_HEADER: Final = "count"
_MAGIC: Final = 2
_NO_COMPRESSION: Final = 0
_UNBOUNDED: Final = 1 << 31
_COUNT_DIGITS_MAX: Final = 9
_SCHEMA: Final = str(SCHEMA_VERSION).encode()

Headers = Sequence[tuple[str, bytes | None]]


class Sequenced(NamedTuple):
    """What makes a batch recognisable when it is sent again: who wrote it and as which."""

    producer_id: int
    epoch: int
    sequence: int


def encode_batch(frames: Iterable[Frame], sequenced: Sequenced, at_ms: int) -> bytearray:
    """Return one batch of all frames, in the given order."""
    builder = MemoryRecordsBuilder(
        _MAGIC,
        _NO_COMPRESSION,
        _UNBOUNDED,
        producer_id=sequenced.producer_id,
        producer_epoch=sequenced.epoch,
        base_sequence=sequenced.sequence,
    )
    for frame in frames:
        builder.append(at_ms, None, frame.value, headers_of(frame.lines))
    builder.close()
    encoded: bytearray = builder.buffer()
    return encoded


def headers_of(lines: int) -> list[tuple[str, bytes]]:
    """Return the headers of a frame that holds so many lines."""
    return [(SCHEMA_HEADER, _SCHEMA), (COUNT_HEADER, b"%d" % lines)]


def lines_of(headers: Headers) -> int:
    """Return how many lines a record says it holds; 0 = it does not say, or nonsense."""
    for name, value in headers:
        if name == COUNT_HEADER and value is not None and value.isdigit() and len(value) <= _COUNT_DIGITS_MAX:
            return int(value)
    return 0


def schema_of(headers: Headers) -> int:
    """Return the version of the lines' form that a record says; 1 if it says none, 0 if what it says is none."""
    for name, value in headers:
        if name == SCHEMA_HEADER:
            return int(value) if value and value.isdigit() and len(value) <= _COUNT_DIGITS_MAX else 0
    return 1


def decode_records(topic: str, partition: int, offset: int, batches: bytes, limit_bytes: int) -> list[Record]:
    """Return the records from `offset` on, at least one if there is one, about `limit_bytes` in all.

    Raises: LogUnreadable if the one at `offset` cannot be read; those before an unreadable one are returned.
    """
    records: list[Record] = []
    room_bytes = limit_bytes
    try:
        for record in _without_gap(topic, partition, offset, batches):
            room_bytes -= len(record.value) + RECORD_OVERHEAD_BYTES
            if records and room_bytes < 0:
                break
            records.append(record)
    except Exception as error:
        # Whatever a stranger wrote: kafka-python raises many sorts of error over it.
        if not records:
            why = f"{type(error).__name__}: {error}" if not isinstance(error, errors.UnsupportedCodecError) else error
            raise LogUnreadable(topic, partition, offset, " ".join(str(why).split())[:200]) from error
    return records


def _without_gap(topic: str, partition: int, offset: int, batches: bytes) -> Iterator[Record]:
    following = MemoryRecords(batches)
    while (batch := following.next_batch()) is not None:
        if batch.magic != _MAGIC:
            raise ValueError(f"written in the old format {batch.magic}")
        if batch.next_offset <= offset:
            continue
        if not batch.validate_crc():
            raise ValueError("its checksum does not fit")
        for record in () if batch.is_control_batch else batch:
            if record.offset < offset:
                continue
            yield from _empty(topic, partition, offset, record.offset, batch)
            yield Record(
                *(topic, partition, record.offset, record.timestamp, record.value or b""),
                lines=lines_of(record.headers),
                schema=schema_of(record.headers),
            )
            offset = record.offset + 1
        yield from _empty(topic, partition, offset, batch.next_offset, batch)
        offset = max(offset, batch.next_offset)


def _empty(topic: str, partition: int, start: int, end: int, batch: Any) -> Iterator[Record]:
    for offset in range(start, end):
        yield Record(topic, partition, offset, max(batch.max_timestamp, 0), b"", 0)
