"""Frames and the lines in them: bytes of the log to `Input` and back.

A frame's value is newline-delimited JSON, so that any tool reads the topic (design section 3). A line that does not
decode, or whose values no column could hold, is `MalformedLine`: it becomes a dead letter, never an error.
"""

import dataclasses
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec

from state_machine.inputs import Input
from state_machine.vocabulary import INPUT_KINDS, ROOM_KINDS

FRAME_BYTES_MAX = 512 * 1024
INPUT_BYTES_MAX = 256 * 1024
SCHEMA_VERSION = 1
TIME_MS_MAX = 9_000_000_000_000
"""Later than this (year 2255) no DateTime64(3) column is trusted to hold."""
UINT64_MAX = (1 << 64) - 1

_Time = Annotated[int, msgspec.Meta(ge=0, lt=TIME_MS_MAX)]
_Counter = Annotated[int, msgspec.Meta(ge=0)]
_Int63 = Annotated[int, msgspec.Meta(ge=0, le=UINT64_MAX >> 1)]
"""What the decoder itself can check of a column of 64 bits."""
_SOUND: Final[dict[str, Any]] = {
    "kind": Literal[INPUT_KINDS],
    "room_kind": Literal[ROOM_KINDS],
    "received_at_ms": Annotated[int, msgspec.Meta(gt=0, lt=TIME_MS_MAX)],
    **dict.fromkeys(("connections", "send_streams", "recv_streams"), _Counter),
    **dict.fromkeys(("occurred_at_ms", "expires_at_ms", "lease_ms"), _Time),
    **dict.fromkeys(("seq", "bytes_sent", "bytes_recv"), _Int63),
}
"""Types of members that let nothing through that `_decoded` would refuse; a default is not checked."""
_NO_EXTRA: Final = MappingProxyType[str, Any]({})
"""Of nearly every input: one for all of them."""


def _reader(types: dict[str, Any], defaults: dict[str, Any]) -> Any:
    """Return a decoder to what has the members of an `Input`, some of narrower types or other defaults.

    Decoding to a dataclass takes seven times as long as decoding to a Struct of the same members. Plain JSON values
    make no cycles, so the collector need not look at them.
    """
    members = [
        (
            each.name,
            types.get(each.name, each.type),
            defaults.get(each.name, each.default),
        )
        for each in dataclasses.fields(Input)
    ]
    return msgspec.json.Decoder(msgspec.defstruct("ReadInput", members, gc=False, kw_only=True))


_DECODER = msgspec.json.Decoder(Input)
_READER = _reader({}, {"extra": _NO_EXTRA})
_SOUND_READER = _reader(_SOUND, {"extra": _NO_EXTRA, "received_at_ms": msgspec.NODEFAULT})
_DEFAULTS = Input()
_FIELDS = tuple(name for name in Input.__slots__ if name != "extra")
_KINDS = frozenset(INPUT_KINDS)
_ROOM_KINDS = frozenset(ROOM_KINDS)


class MalformedLine(ValueError):
    """A line that is no input; `reason` is a closed word, `detail` says more."""

    kind: Final = ""
    """Of no kind that an input has."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def partition_of(room_kind: str, room: str, partitions: int) -> int:
    """Return the partition of a room's inputs: CRC-32 of `<room kind>/<room>` modulo the number of partitions."""
    return zlib.crc32(f"{room_kind}/{room}".encode()) % partitions


def encode_input(item: Input) -> bytes:
    """Return the input as one JSON line, members at their default left out."""
    members: dict[str, Any] = {
        name: value for name in _FIELDS if (value := getattr(item, name)) != getattr(_DEFAULTS, name)
    }
    members["kind"] = item.kind
    members["room_kind"] = item.room_kind
    if item.extra:
        members["extra"] = item.extra
    return msgspec.json.encode(members)


def decode_input(line: bytes) -> Input:
    """Return the input of one line.

    Raises: MalformedLine with reason `not_an_input`, `unknown_kind`, `unknown_room_kind`, `out_of_range` or
    `oversized`.
    """
    return _decoded(line, _DECODER.decode)


def read_input(line: bytes) -> Input:
    """Return what reads as the input of one line, member by member, in a fraction of the time.

    For hot loops: it is no `Input` to `isinstance` and equals none.  Raises: as `decode_input`.
    """
    return _decoded(line, _READER.decode)


def read_inputs(lines: Sequence[bytes]) -> list[Input | MalformedLine]:
    """Return for each line what `read_input` returns or raises; in half the time if all of them are sound."""
    if max(map(len, lines), default=0) <= INPUT_BYTES_MAX:
        try:
            return list(map(_SOUND_READER.decode, lines))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # some line is not, or holds what only the closer look below lets through
    return [_read_or_refused(line) for line in lines]


def _read_or_refused(line: bytes) -> Input | MalformedLine:
    try:
        return read_input(line)
    except MalformedLine as malformed:
        return malformed


def _decoded(line: bytes, decode: Callable[[bytes], Input]) -> Input:
    if len(line) > INPUT_BYTES_MAX:
        raise MalformedLine("oversized", f"{len(line)} bytes, at most {INPUT_BYTES_MAX} are taken")
    try:
        item = decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedLine("not_an_input", str(error)) from error
    if item.kind not in _KINDS:
        raise MalformedLine("unknown_kind", repr(item.kind)[:80])
    if item.room_kind not in _ROOM_KINDS:
        raise MalformedLine("unknown_room_kind", repr(item.room_kind)[:80])
    if not _is_in_range(item):
        raise MalformedLine("out_of_range", "a time, counter or size is negative or too large")
    return item


def _is_in_range(item: Input) -> bool:
    return (
        0 < item.received_at_ms < TIME_MS_MAX
        and item.connections >= 0
        and item.send_streams >= 0
        and item.recv_streams >= 0
        and 0 <= item.occurred_at_ms < TIME_MS_MAX
        and 0 <= item.expires_at_ms < TIME_MS_MAX
        and 0 <= item.seq <= UINT64_MAX
        and 0 <= item.lease_ms < TIME_MS_MAX
        and 0 <= item.bytes_sent <= UINT64_MAX
        and 0 <= item.bytes_recv <= UINT64_MAX
    )


def split_frame(value: bytes) -> list[bytes]:
    """Return the frame's lines; an empty value is one empty line, so that every frame gives at least one row."""
    return value.split(b"\n")


def pack_frames(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield `(value, count)` of as few frames as hold the lines in order, none above `FRAME_BYTES_MAX`."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and size + len(line) + 1 > FRAME_BYTES_MAX:
            yield b"\n".join(batch), len(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield b"\n".join(batch), len(batch)
