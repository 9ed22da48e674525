"""Frames and lines: what goes in comes out, and what is no input is said so."""

import itertools
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_machine.inputs import Input
from state_machine.vocabulary import INPUT_KINDS, ROOM_KINDS
from storage.frames import (
    FRAME_BYTES_MAX,
    INPUT_BYTES_MAX,
    TIME_MS_MAX,
    UINT64_MAX,
    MalformedLine,
    decode_input,
    encode_input,
    pack_frames,
    partition_of,
    split_frame,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.integers(0, TIME_MS_MAX - 1)
UINT64 = st.integers(0, UINT64_MAX)
JSON_NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | JSON_NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
INPUTS = st.builds(
    Input,
    kind=st.sampled_from(INPUT_KINDS),
    received_at_ms=st.integers(1, TIME_MS_MAX - 1),
    room_kind=st.sampled_from(ROOM_KINDS),
    room=TEXTS,
    session=TEXTS,
    event=TEXTS,
    state=TEXTS,
    connections=st.integers(0, 2**40),
    send_streams=st.integers(0, 2**40),
    recv_streams=st.integers(0, 2**40),
    id=TEXTS,
    seq=UINT64,
    occurred_at_ms=TIMES,
    user=TEXTS,
    implicit=st.booleans(),
    reason=TEXTS,
    lease_ms=TIMES,
    client_max_size=st.integers(0, 100),
    max_size=st.integers(0, 100),
    expires_at_ms=TIMES,
    bytes_sent=UINT64,
    bytes_recv=UINT64,
    extra=st.dictionaries(TEXTS, JSON_VALUES, max_size=3),
)
A_LINE = b'{"kind":"status","room_kind":"call","received_at_ms":1'


def reason_of(line: bytes) -> str:
    with pytest.raises(MalformedLine) as refused:
        decode_input(line)
    assert refused.value.reason in str(refused.value)
    return refused.value.reason


@given(INPUTS)
def test_an_input_survives_the_way_to_the_log_and_back(item: Input) -> None:
    line = encode_input(item)
    assert b"\n" not in line
    assert decode_input(line) == item


@given(INPUTS)
def test_a_line_is_json_that_any_tool_reads(item: Input) -> None:
    members = json.loads(encode_input(item))
    assert members["kind"] == item.kind
    assert members["room_kind"] == item.room_kind
    assert members["received_at_ms"] == item.received_at_ms


def test_members_at_their_default_are_left_out_except_the_kinds() -> None:
    line = encode_input(Input(received_at_ms=5, room="r"))
    assert json.loads(line) == {"kind": "status", "room_kind": "call", "received_at_ms": 5, "room": "r"}


def test_members_that_nobody_knows_are_ignored() -> None:
    assert decode_input(A_LINE + b',"from_the_future":[1,{"a":2}]}') == Input(received_at_ms=1)


@pytest.mark.parametrize("text", ["", "\x00", "a\x00b", "\n", "Zürich 🎥", "\u2028", "\ud7ff\ue000", '"\\'])
def test_any_text_survives(text: str) -> None:
    item = Input(received_at_ms=1, room=text, extra={text: [text]})
    assert decode_input(encode_input(item)) == item


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"7",
        b'"status"',
        b"{",
        A_LINE,
        A_LINE + b"}}",
        A_LINE + b',"room":7}',
        A_LINE + b',"room":null}',
        A_LINE + b',"connections":1.5}',
        A_LINE + b',"connections":"1"}',
        A_LINE + b',"connections":1e400}',
        A_LINE + b',"implicit":1}',
        A_LINE + b',"extra":[]}',
        A_LINE + b',"room":"\xff"}',
        A_LINE + b',"room":"\xed\xa0\x80"}',
        A_LINE + b',"room":"\\ud800"}',
        A_LINE + b',"room":"a\x00b"}',
        b"\xff\xfe\x00",
        b"\x00" * 100,
        b"[" * 100_000,
        A_LINE + b',"extra":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
        A_LINE + b',"connections":' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_input_is_malformed_and_never_another_error(line: bytes) -> None:
    assert reason_of(line) == "not_an_input"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_input_or_malformed(line: bytes) -> None:
    reason = "none"
    try:
        decode_input(line)
    except MalformedLine as malformed:
        reason = malformed.reason
    assert reason in {"none", "not_an_input", "unknown_kind", "unknown_room_kind", "out_of_range"}


@given(st.dictionaries(st.sampled_from(Input.__slots__), JSON_VALUES))
def test_any_object_is_an_input_or_malformed(members: dict[str, Any]) -> None:
    try:
        item = decode_input(json.dumps(members).encode())
    except MalformedLine:
        return
    assert decode_input(encode_input(item)) == item


def test_unknown_kinds_are_malformed() -> None:
    assert reason_of(b'{"kind":"dance","received_at_ms":1}') == "unknown_kind"
    assert reason_of(b'{"room_kind":"ballroom","received_at_ms":1}') == "unknown_room_kind"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("received_at_ms", 0),
        ("received_at_ms", -1),
        ("received_at_ms", TIME_MS_MAX),
        ("connections", -1),
        ("send_streams", -1),
        ("recv_streams", -1),
        ("occurred_at_ms", -1),
        ("occurred_at_ms", TIME_MS_MAX),
        ("expires_at_ms", TIME_MS_MAX),
        ("lease_ms", -1),
        ("seq", -1),
        ("seq", UINT64_MAX + 1),
        ("bytes_sent", UINT64_MAX + 1),
        ("bytes_recv", -1),
    ],
)
def test_numbers_that_no_column_holds_are_out_of_range(member: str, value: int) -> None:
    members = {"received_at_ms": 1, member: value}
    assert reason_of(json.dumps(members).encode()) == "out_of_range"


def test_the_largest_input_is_taken_and_one_byte_more_is_not() -> None:
    fits = encode_input(Input(received_at_ms=1, room=""))
    largest = encode_input(Input(received_at_ms=1, room="x" * (INPUT_BYTES_MAX - len(fits) - len(',"room":""'))))
    assert len(largest) == INPUT_BYTES_MAX
    decode_input(largest)
    assert reason_of(largest + b" ") == "oversized"


@given(st.sampled_from(ROOM_KINDS), TEXTS, st.integers(1, 64))
def test_a_room_s_partition_is_the_crc_of_its_kind_and_name(room_kind: str, room: str, partitions: int) -> None:
    partition = partition_of(room_kind, room, partitions)
    assert partition == zlib.crc32(f"{room_kind}/{room}".encode()) % partitions
    assert 0 <= partition < partitions


def test_partitions_do_not_change_from_version_to_version() -> None:
    assert [partition_of("call", room, 8) for room in ("a", "b", "Zürich", "")] == [6, 4, 3, 0]


@given(st.lists(st.binary(max_size=50).map(lambda line: line.replace(b"\n", b"")), max_size=20))
def test_packed_lines_come_apart_as_they_were(lines: list[bytes]) -> None:
    frames = list(pack_frames(lines))
    assert [line for value, _ in frames for line in split_frame(value)] == lines
    assert all(count == len(split_frame(value)) for value, count in frames)


@given(st.lists(st.integers(1, INPUT_BYTES_MAX), max_size=12))
def test_no_frame_is_larger_than_allowed_and_none_could_be_saved(sizes: list[int]) -> None:
    frames = [value for value, _ in pack_frames([b"x" * size for size in sizes])]
    assert all(len(value) <= FRAME_BYTES_MAX for value in frames)
    for value, following in itertools.pairwise(frames):
        assert len(value) + 1 + len(split_frame(following)[0]) >= FRAME_BYTES_MAX


def test_an_empty_frame_is_one_empty_line() -> None:
    assert split_frame(b"") == [b""]
    assert split_frame(b"a\n\nb") == [b"a", b"", b"b"]
