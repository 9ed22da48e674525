"""Accounts: the limit of each device type, what gives way to an opening, and sessions that others ended."""

import pytest

from state_machine.inputs import Input
from state_machine.room import Rules
from tests.state_machine.builders import RULES, T0_MS, Played, command, played, status, told

LEASE_MS = RULES.account_lease_ms
MEMORY_MS = RULES.closed_memory_ms


def play(session: str, device_type: str = "stb", at: int = 0, replace: str = "") -> Input:
    return command("open", session, room_kind="account", user="u", device_type=device_type, at=at, replace=replace)


def account(*items: Input, rules: Rules = RULES) -> Played:
    return played(*items, room_kind="account", rules=rules)


def refused(room: Played, item: Input) -> tuple[str, tuple[str, ...]]:
    fact = room.answer(item)
    assert fact.name == "open_refused"
    return fact.reason, fact.conflicts


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_as_many_play_as_the_limit_says(limit: int) -> None:
    room = account(rules=Rules(playback_limit=limit))
    names = [f"s{number}" for number in range(limit)]
    assert [room.answer(play(name)).name for name in names] == ["session_opened"] * limit
    assert refused(room, play("one more")) == ("playback_limit", tuple(names))
    assert room.inside() == names


def test_each_device_type_has_a_limit_of_its_own_and_none_is_one_of_them() -> None:
    room = account(*(play(f"{kind} {number}", kind) for kind in ("stb", "mobile", "") for number in range(2)))
    assert len(room.inside()) == 6
    assert refused(room, play("x", "mobile")) == ("playback_limit", ("mobile 0", "mobile 1"))
    assert refused(room, play("x", "")) == ("playback_limit", (" 0", " 1"))
    assert room.answer(play("x", "Mobile")).name == "session_opened"


@pytest.mark.parametrize("ending", [command("close", "a", at=10), command("kill", "a", at=10)])
def test_whoever_ends_makes_room(ending: Input) -> None:
    room = account(play("a"), play("b"), ending)
    assert room.answer(play("c", at=11)).name == "session_opened"


def test_a_lease_that_is_over_makes_room_at_its_end_and_not_before() -> None:
    room = account(play("a"), play("b", at=10))
    assert refused(room, play("c", at=LEASE_MS - 1)) == ("playback_limit", ("a", "b"))
    assert told(room.take(play("c", at=LEASE_MS))) == [
        (1, "session_closed", "a", "expired"),
        (0, "session_opened", "c", ""),
    ]


@pytest.mark.parametrize("device_type", ["stb", ""])
def test_the_same_session_opened_again_goes_on_also_at_the_limit(device_type: str) -> None:
    room = account(play("a"), play("b"))
    fact = room.answer(play("a", device_type, at=50))
    assert (fact.name, fact.reason, fact.lease_ends_at_ms) == ("session_refreshed", "rejoined", T0_MS + 50 + LEASE_MS)
    assert room.session("a").device_type == "stb"


@pytest.mark.parametrize("opened_as", ["mobile", ""])
def test_a_session_is_of_one_device_type(opened_as: str) -> None:
    room = account(play("a", opened_as))
    before = room.session("a")
    assert refused(room, play("a", "stb", at=5)) == ("other_device_type", ())
    assert room.session("a") == before


def test_a_named_session_gives_way_in_the_same_decision() -> None:
    room = account(play("a"), play("b"))
    facts = room.take(play("c", at=5, replace="b"))
    assert told(facts) == [(1, "session_closed", "b", "replaced"), (0, "session_opened", "c", "")]
    assert facts[-1].extra["replace"] == "b"
    assert room.inside() == ["a", "c"]


def test_a_named_session_gives_way_also_where_there_is_room() -> None:
    assert account(play("a"), play("b", replace="a")).inside() == ["b"]


def test_a_session_of_another_device_type_gives_way_only_if_the_new_one_is_let_in() -> None:
    room = account(play("a"), play("b"), play("m", "mobile"))
    assert refused(room, play("c", at=5, replace="m")) == ("playback_limit", ("a", "b"))
    assert room.inside() == ["a", "b", "m"]
    assert told(room.take(play("n", "mobile", at=6, replace="a"))) == [
        (1, "session_closed", "a", "replaced"),
        (0, "session_opened", "n", ""),
    ]


@pytest.mark.parametrize("named", ["nobody", "c", "gone"])
def test_who_is_not_playing_frees_nothing(named: str) -> None:
    room = account(play("gone"), command("close", "gone", at=1), play("a", at=2), play("b", at=2))
    assert refused(room, play("c", at=5, replace=named)) == ("playback_limit", ("a", "b"))


def test_the_oldest_of_the_device_type_gives_way_if_there_is_no_room() -> None:
    room = account(play("m", "mobile"))
    for number, name in enumerate("abcd"):
        room.take(play(name, at=number, replace="oldest"))
    assert room.inside() == ["m", "c", "d"]
    assert [session for _, name, session, _ in told(room.facts) if name == "session_closed"] == ["a", "b"]


def test_under_a_lower_limit_as_many_of_the_oldest_give_way_as_it_takes() -> None:
    room = account(*(play(name) for name in "abcd"), rules=Rules(playback_limit=4))
    room.rules = Rules(playback_limit=2)
    assert told(room.take(play("e", at=5, replace="oldest"))) == [
        (1, "session_closed", "a", "replaced"),
        (2, "session_closed", "b", "replaced"),
        (3, "session_closed", "c", "replaced"),
        (0, "session_opened", "e", ""),
    ]


@pytest.mark.parametrize("replace", ["oldest", "b"])
def test_asked_again_a_replacement_replaces_nobody_else(replace: str) -> None:
    room = account(play("a"), play("b"), play("c", at=5, replace=replace))
    inside = room.inside()
    assert told(room.take(play("c", at=6, replace=replace))) == [(0, "session_refreshed", "c", "rejoined")]
    assert room.inside() == inside


@pytest.mark.parametrize(("kind", "reason"), [("kill", "killed"), ("open", "replaced")])
@pytest.mark.parametrize(("asked", "refusal"), [("refresh", "refresh_refused"), ("open", "open_refused")])
def test_whom_others_ended_hears_so_until_the_lease_would_have_ended(
    kind: str, reason: str, asked: str, refusal: str
) -> None:
    ending = command("kill", "a", at=60_000) if kind == "kill" else play("x", at=60_000, replace="a")
    until_ms = T0_MS + 5 + LEASE_MS
    for at, is_barred in ((60_001, True), (5 + LEASE_MS - 1, True), (5 + LEASE_MS, False)):
        room = account(play("a"), command("refresh", "a", at=5), ending)
        fact = room.answer(command(asked, "a", at=at, room_kind="account"))
        assert ((fact.name, fact.reason) == (refusal, reason)) == is_barred
        assert (fact.extra.get("barred_until_ms") == until_ms) == is_barred
        assert (fact.name == "session_opened") == (asked == "open" and not is_barred)


def test_a_short_lease_that_would_have_ended_bars_no_more_but_is_remembered() -> None:
    room = account(command("open", "a", lease_ms=1_000), command("kill", "a", at=500))
    fact = room.answer(command("refresh", "a", at=1_000))
    assert (fact.name, fact.reason, fact.extra) == ("refresh_refused", "killed", {})
    assert room.answer(status(at=500 + MEMORY_MS)).verdict == "after_close"


@pytest.mark.parametrize("room_kind", ["call", "stream"])
def test_other_rooms_bar_nobody(room_kind: str) -> None:
    room = played(command("open", "a", lease_ms=LEASE_MS), command("kill", "a", at=1), room_kind=room_kind)
    fact = room.answer(command("refresh", "a", at=2))
    assert (fact.reason, fact.extra) == ("killed", {})
    assert room.answer(command("open", "a", at=3, replace="oldest")).name == "session_opened"


def test_whoever_left_or_expired_may_come_back_at_once() -> None:
    left = account(play("a"), command("close", "a", at=1))
    assert left.answer(play("a", at=1)).name == "session_opened"
    expired = account(play("a"))
    assert expired.answer(play("a", at=LEASE_MS)).name == "session_opened"
