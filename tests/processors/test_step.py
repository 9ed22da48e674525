"""The step: lines of a frame in, facts and decisions out, without IO."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.block import Block
from processors.rows import rows_of
from processors.step import judge
from processors.taken import decode_slice
from state_machine.inputs import Input
from state_machine.vocabulary import INPUT_KINDS
from storage.decisions import decode_decision
from storage.frames import FRAME_BYTES_MAX, INPUT_BYTES_MAX, encode_input, partition_of
from tests.processors.builders import RULES, T0_MS, a_partition, command, frame_of, judged, rows, status


def facts(block: Block) -> list[tuple[str, int]]:
    return [(fact.name, fact.index) for fact in block.facts]


def test_a_first_status_opens_the_session_and_is_judged() -> None:
    block = judged(status())
    assert facts(block) == [("session_opened", 1), ("status_judged", 0)]
    assert block.inputs == 1
    assert (block.partitions, block.offsets, block.indexes, block.frame_inputs) == ([0, 0], [0, 0], [0, 0], [1, 1])


def test_later_inputs_of_a_frame_see_what_earlier_ones_decided() -> None:
    block = judged(status(), status(state="starting", connections=2), command("close", session="s"))
    assert [fact.verdict for fact in block.facts if fact.name == "status_judged"] == ["diagram", "diagram"]
    assert facts(block)[-1] == ("session_closed", 0)


def test_rooms_are_kept_between_frames() -> None:
    held = a_partition()
    judged(status(), held=held)
    block = judged(status(state="starting", connections=2), held=held, offset=1)
    assert facts(block) == [("status_judged", 0)]
    assert held.next_offset == 2


def test_only_awaited_and_announced_facts_become_decisions() -> None:
    block = judged(
        command("room_create", id="a", max_size=2), command("open", session="s", id="b"), status(session="s", seq=1)
    )
    decisions = [decode_decision(line) for line in block.decisions[0]]
    assert [(decision.fact, decision.id) for decision in decisions] == [("room_created", "a"), ("session_opened", "b")]
    assert decisions[1].place == (0, 0, 1, 0)


def test_a_repeated_command_is_told_the_first_answer() -> None:
    held = a_partition()
    judged(command("open", session="s", id="a"), held=held)
    block = judged(command("open", session="s", id="a", received_at_ms=T0_MS + 9), held=held, offset=1)
    assert facts(block) == [("ignored", 0)]
    decision = decode_decision(block.decisions[0][0])
    assert (decision.fact, decision.id, decision.at_ms) == ("session_opened", "a", T0_MS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not_an_input"),
        (b"\x00\xff\xfe garbage", "not_an_input"),
        (b'{"kind":"status","room":"r"', "not_an_input"),
        (b'{"kind":"status","room":"\\ud800","received_at_ms":5}', "not_an_input"),
        (b'{"kind":"dance","room":"r","received_at_ms":5}', "unknown_kind"),
        (b'{"kind":"status","room_kind":"hall","received_at_ms":5}', "unknown_room_kind"),
        (b'{"kind":"status","room":"r","received_at_ms":-5}', "out_of_range"),
        (b'{"room":"' + b"x" * INPUT_BYTES_MAX + b'"}', "oversized"),
    ],
)
def test_a_line_that_is_no_input_becomes_a_dead_letter_with_its_bytes(line: bytes, reason: str) -> None:
    block = judged(status(), line, status(state="starting", connections=2))
    assert facts(block) == [("session_opened", 1), ("status_judged", 0), ("dead_letter", 0), ("status_judged", 0)]
    row = rows(block)[2]
    assert (row["reason"], row["room_kind"], row["room_id"], row["kind"]) == (reason, "call", "", "")
    assert (row["log_index"], row["frame_inputs"], row["at"]) == (1, 3, T0_MS)
    extra = json.loads(row["extra"])
    assert base64.b64decode(extra["base64"]) == line
    assert extra["bytes"] == len(line)


def test_of_an_enormous_dead_letter_the_beginning_and_the_length_are_kept() -> None:
    line = b"z" * (FRAME_BYTES_MAX + 10)
    extra = json.loads(rows(judged(line))[0]["extra"])
    assert extra["bytes"] == len(line)
    assert len(base64.b64decode(extra["base64"])) == FRAME_BYTES_MAX


def test_an_empty_frame_gives_one_dead_letter() -> None:
    block = judged(b"")
    assert facts(block) == [("dead_letter", 0)]
    assert block.frame_inputs == [1]


def test_an_input_in_another_rooms_partition_is_a_dead_letter() -> None:
    number = partition_of("call", "r", 8)
    held = a_partition()
    held.number = (number + 1) % 8
    block = Block()
    judge(decode_slice(frame_of([status(), status()]), 0, 10), held, 8, RULES, block)
    assert [fact.reason for fact in block.facts] == ["wrong_partition", "wrong_partition"]
    assert json.loads(rows_of(block, {held.number: 1}, T0_MS)["extra"][1].as_py())["detail"] == "call/r"
    assert not held.rooms.by_key


def test_a_frame_cut_in_slices_decides_as_a_whole_one() -> None:
    items = [status(session=f"s{n % 3}", state="starting", connections=n) for n in range(10)]
    whole = judged(*items)
    held, sliced, frame = a_partition(), Block(), frame_of(items)
    while held.next_offset == 0:
        judge(decode_slice(frame, held.next_index, 3), held, 1, RULES, sliced)
    assert rows(sliced) == rows(whole)
    assert sliced.ended == [frame]


json_values = st.sampled_from(
    [None, True, -1, 0, 3, 2**40, 2**70, 1.5, "", "x", "\x00é🦊", [], [1, "a"], {}, {"a": [None]}]
)
members = st.dictionaries(st.sampled_from([*Input.__slots__]), json_values, max_size=6)
extras = st.dictionaries(
    st.sampled_from(["client_max_size", "implicit", "lease_ms", "a", "owner"]), json_values, max_size=4
)
inputs = st.builds(
    lambda kind, session, seq, size, extra: encode_input(
        command(kind, session=session, seq=seq, client_max_size=size, connections=size, extra=extra, id=session)
    ),
    st.sampled_from([*INPUT_KINDS]),
    st.sampled_from(["", "s", "t", "\x00é🦊"]),
    st.sampled_from([0, 1, 2, 2**64 - 1]),
    st.sampled_from([0, 1, 2**32, 2**70]),
    extras,
)
some_lines = st.one_of(
    st.binary(max_size=40),
    members.map(lambda found: json.dumps(found).encode()),
    members.map(lambda found: json.dumps({**found, "kind": "open", "received_at_ms": T0_MS}).encode()),
    inputs,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(some_lines, max_size=12))
def test_every_line_is_counted_once_and_gives_rows_whatever_it_holds(lines: list[bytes]) -> None:
    content = b"\n".join(lines).split(b"\n")
    held, block = a_partition(), Block()
    judge(decode_slice(frame_of(content), 0, 10_000), held, 1, RULES, block)
    table = rows_of(block, {0: 1}, T0_MS)
    answers = [place for place, fact in zip(block.indexes, block.facts, strict=True) if fact.index == 0]
    assert answers == list(range(len(content)))
    assert table.num_rows == len(block.facts)
    assert block.inputs == len(content)
