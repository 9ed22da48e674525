"""Decisions: what is published, under which place, and how it travels."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.vocabulary import FACTS
from storage.decisions import (
    ANNOUNCED_FACTS,
    Decision,
    decision_of,
    decode_decision,
    encode_decision,
    is_published,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(0, 2**53)
DECISIONS = st.builds(
    Decision,
    place=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    fact=st.sampled_from(FACTS),
    room_kind=TEXTS,
    room=TEXTS,
    at_ms=NUMBERS,
    id=TEXTS,
    kind=TEXTS,
    session=TEXTS,
    user=TEXTS,
    reason=TEXTS,
    verdict=TEXTS,
    opened_at_ms=NUMBERS,
    lease_ends_at_ms=NUMBERS,
    conflicts=st.lists(TEXTS, max_size=3).map(tuple),
    extra=st.dictionaries(TEXTS, TEXTS | NUMBERS | st.booleans() | st.none(), max_size=3),
)


@given(DECISIONS)
def test_a_decision_survives_the_way_to_the_log_and_back(decision: Decision) -> None:
    line = encode_decision(decision)
    assert b"\n" not in line
    assert decode_decision(line) == decision


def test_members_at_their_default_are_left_out() -> None:
    line = encode_decision(Decision((1, 2, 3, 0), "session_closed", "call", "r", 5))
    assert json.loads(line) == {
        "place": [1, 2, 3, 0],
        "fact": "session_closed",
        "room_kind": "call",
        "room": "r",
        "at_ms": 5,
    }


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"place":[1,2,3]}', b'{"place":[1,2,3,4],"fact":7}', b"\xff"])
def test_what_is_no_decision_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_decision(line)


def test_an_answer_is_published_where_somebody_waits() -> None:
    judged = Fact("status_judged", 0, at_ms=5)
    assert is_published(Input(id="x"), judged)
    assert not is_published(Input(), judged)


def test_a_consequence_is_published_only_if_it_is_announced() -> None:
    assert not is_published(Input(id="x"), Fact("session_refreshed", 1, at_ms=5))
    assert is_published(Input(), Fact("session_closed", 1, at_ms=5))


@pytest.mark.parametrize("name", sorted(ANNOUNCED_FACTS))
def test_openings_and_closings_are_published_though_nobody_waits(name: str) -> None:
    assert is_published(Input(), Fact(name, 0, at_ms=5))


def test_a_decision_says_what_was_decided_and_where_its_input_stands() -> None:
    item = Input(kind="open", room_kind="account", room="u1", session="s1", id="id-1")
    fact = Fact(
        "open_refused", 0, at_ms=7, session_id="s1", user_id="u1", reason="limit", conflicts=("s0",), extra={"limit": 2}
    )
    assert decision_of(item, fact, 3, 40, 2) == Decision(
        place=(3, 40, 2, 0),
        fact="open_refused",
        room_kind="account",
        room="u1",
        at_ms=7,
        id="id-1",
        kind="open",
        session="s1",
        user="u1",
        reason="limit",
        conflicts=("s0",),
        extra={"limit": 2},
    )


def test_a_consequence_does_not_carry_the_id_of_the_command_that_caused_it() -> None:
    item = Input(kind="kill", room="r", id="id-1")
    assert decision_of(item, Fact("session_closed", 2, at_ms=7), 0, 1, 0).id == ""


def test_a_repeated_command_gets_the_earlier_answer_under_its_own_place() -> None:
    item = Input(kind="open", room="r", id="id-1")
    earlier = Fact("session_opened", 0, at_ms=5, session_id="s1", opened_at_ms=5, lease_ends_at_ms=99)
    repeated = Fact("ignored", 0, at_ms=8, reason="repeated", repeats=earlier)
    decision = decision_of(item, repeated, 1, 9, 4)
    assert decision.place == (1, 9, 4, 0)
    assert (decision.fact, decision.session, decision.at_ms, decision.id) == ("session_opened", "s1", 5, "id-1")
    assert decision.lease_ends_at_ms == 99
