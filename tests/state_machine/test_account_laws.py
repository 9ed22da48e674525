"""What holds for every account, whoever opens, replaces, kills and comes back in whatever order."""

from collections import Counter
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.room import Room, Rules
from tests.state_machine.builders import Played
from tests.state_machine.drawing import in_turn

RULES = Rules(account_lease_ms=60_000, playback_limit=2)
KINDS = ["open"] * 8 + ["refresh", "refresh", "close", "kill", "expire"]
thorough = settings(deadline=None, max_examples=300)
accounts = st.lists(
    st.builds(
        Input,
        kind=st.sampled_from(KINDS),
        received_at_ms=st.sampled_from([0, 0, 1, 1_000, 20_000, 59_999, 60_000, 400_000]),
        room_kind=st.just("account"),
        session=st.sampled_from("abcdef"),
        device_type=st.sampled_from(["", "tv", "tv", "tv"]),
        replace=st.sampled_from(["", "", "oldest", "a", "b", "c", "z"]),
    ),
    max_size=40,
).map(in_turn)


def live(room: Room) -> dict[str, str]:
    """Return the device type of everybody who plays."""
    return {name: each.device_type for name, each in room.sessions.items() if each.closed_at_ms == 0}


def closed(facts: list[Fact], reason: str) -> list[str]:
    return [fact.session_id for fact in facts if fact.name == "session_closed" and fact.reason == reason]


@thorough
@given(accounts)
def test_no_device_type_is_ever_over_the_limit(log: list[Input]) -> None:
    room = Played(Room("account", "u"), RULES)
    for item in log:
        room.take(item)
        assert all(count <= RULES.playback_limit for count in Counter(live(room.room).values()).values())


@thorough
@given(accounts)
def test_a_refusal_ends_nobody_and_names_who_is_in_the_way(log: list[Input]) -> None:
    room = Played(Room("account", "u"), RULES)
    for item in log:
        facts = room.take(item)
        if facts[-1].name != "open_refused":
            continue
        assert closed(facts, "replaced") == []
        if facts[-1].reason == "playback_limit":
            playing = live(room.room)
            assert set(facts[-1].conflicts) <= {name for name, kind in playing.items() if kind == item.device_type}
            assert len(facts[-1].conflicts) == RULES.playback_limit
            assert item.replace != "oldest"


@thorough
@given(accounts)
def test_a_replacement_is_both_or_nothing(log: list[Input]) -> None:
    room = Played(Room("account", "u"), RULES)
    for item in log:
        before = deepcopy(room.room)
        facts = room.take(item)
        replaced = closed(facts, "replaced")
        after = live(room.room)
        assert not set(replaced) & set(after)
        if replaced:
            assert facts[-1].name == "session_opened"
            assert item.session in after
        named = before.sessions.get(item.replace)
        was_playing = named is not None and named.closed_at_ms == 0 and item.replace not in closed(facts, "expired")
        if facts[-1].name == "session_opened" and was_playing and item.replace != item.session:
            assert replaced == [item.replace]


@thorough
@given(accounts)
def test_every_stay_ends_once(log: list[Input]) -> None:
    room = Played(Room("account", "u"), RULES)
    for item in log:
        room.take(item)
    endings = Counter((fact.session_id, fact.opened_at_ms) for fact in room.facts if fact.name == "session_closed")
    assert set(endings.values()) <= {1}


@thorough
@given(accounts)
def test_nobody_whom_others_ended_comes_back_before_the_lease_would_have_ended(log: list[Input]) -> None:
    room = Room("account", "u")
    barred_until_ms: dict[str, int] = {}
    for item in log:
        lease_ends_ms = {name: each.lease_ends_at_ms for name, each in room.sessions.items()}
        facts = decide(room, item, RULES)
        for fact in facts:
            evolve(room, fact)
            if fact.name == "session_closed" and fact.reason in ("killed", "replaced"):
                barred_until_ms[fact.session_id] = lease_ends_ms[fact.session_id]
            if fact.name == "session_opened":
                assert barred_until_ms.get(fact.session_id, 0) <= item.received_at_ms
