"""Lines of the log and JavaScript's numbers."""

import dataclasses
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lines import Line, encode_line, placed
from ingest.loop.javascript import length, parse_int
from state_machine.inputs import Input
from storage.frames import decode_input, partition_of


def test_a_line_has_the_members_and_defaults_of_an_input() -> None:
    lines = {field.name: field for field in msgspec.structs.fields(Line)}
    inputs = {field.name: field for field in dataclasses.fields(Input)}
    assert list(lines) == list(inputs)
    required = {"kind", "received_at_ms", "room_kind", "room"}
    for name in set(inputs) - required - {"extra"}:
        assert lines[name].default == inputs[name].default, name


@given(
    st.builds(
        Line,
        kind=st.sampled_from(["status", "open"]),
        received_at_ms=st.integers(1, 1 << 42),
        room_kind=st.just("call"),
        room=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        session=st.text(st.characters(exclude_categories=["Cs"])),
        event=st.text(st.characters(exclude_categories=["Cs"])),
        connections=st.integers(0, (1 << 32) - 1),
        seq=st.integers(0, (1 << 63) - 1),
        implicit=st.booleans(),
        extra=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-5, 5)),
    )
)
def test_the_log_decodes_a_line_to_what_was_meant(line: Line) -> None:
    partition, data = placed(line, 7)
    item = decode_input(data)
    assert b"\n" not in data
    assert dataclasses.asdict(item) == msgspec.structs.asdict(line)
    assert partition == partition_of("call", line.room, 7)
    assert encode_line(line) == data


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0),
        ("-0", 0),
        (" \t\n\u00a0\ufeff42", 42),
        ("+5", 5),
        ("-3", -3),
        ("0x1f", 0),
        ("1e5", 1),
        ("007", 7),
        ("\u0663", None),
        ("--1", None),
        ("Infinity", None),
        (5e-7, 5),
        (-5e-7, -5),
        (1e21, 1),
        (1.5e16, 1 << 53),
        (-0.5, 0),
        (10**400, None),
        ([[3, 4], 5], 3),
        ([None], None),
        ([], None),
        ({}, None),
        (False, None),
    ],
)
def test_numbers_are_read_as_javascript_reads_them(value: Any, number: int | None) -> None:
    assert parse_int(value) == number


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.none(), st.booleans()))
def test_reading_a_number_never_fails(value: Any) -> None:
    found = parse_int(value)
    assert found is None or -(1 << 53) <= found <= 1 << 53


@given(st.floats(1e-6, 1e15))
def test_a_fraction_is_cut_off(value: float) -> None:
    assert parse_int(value) == math.trunc(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_lengths_are_counted_in_utf_16(text: str) -> None:
    assert length(text) == len(text.encode("utf-16-le")) // 2
