"""Openings: a new stay, one that goes on, one that takes the place of another, and who is let in."""

import pytest

from state_machine.admission import admit
from state_machine.facts import INITIAL, NO_SNAPSHOT
from state_machine.inputs import Input
from tests.state_machine.builders import LEASE_MS, RULES, T0_MS, Played, command, played, snapshot, status, told


def seats(count: int, owner: str = "") -> Input:
    return command("room_create", max_size=count, user=owner)


def join(session: str, user: str = "", size: int = 0, at: int = 0) -> Input:
    return command("open", session, user=user, client_max_size=size, at=at)


def refusal(room: Played, item: Input) -> tuple[str, tuple[str, ...]]:
    before = room.inside()
    fact = room.answer(item)
    assert fact.name == "open_refused"
    assert fact.extra == ({"conflicts": list(fact.conflicts)} if fact.conflicts else {})
    assert room.inside() == before
    return fact.reason, fact.conflicts


def test_an_opening_begins_a_stay_and_its_lease() -> None:
    fact = played().answer(command("open", "a", at=5, user="u", extra={"display_name": "Ann"}))
    assert (fact.name, fact.index, fact.reason, fact.moved) == ("session_opened", 0, "", True)
    assert (fact.declared, fact.before) == (INITIAL, NO_SNAPSHOT)
    assert (fact.at_ms, fact.opened_at_ms, fact.since_ms) == (T0_MS + 5, T0_MS + 5, T0_MS + 5)
    assert fact.lease_ends_at_ms == T0_MS + 5 + LEASE_MS
    assert fact.extra == {"display_name": "Ann", "lease_ms": LEASE_MS}


def test_a_session_is_restored_from_its_opening_alone() -> None:
    room = played(command("open", "a", user="u", client_max_size=3, device_type="tv", lease_ms=60_000))
    session = room.session()
    assert (session.user_id, session.client_max_size, session.device_type) == ("u", 3, "tv")
    assert (session.lease_ms, session.lease_ends_at_ms, session.implicit) == (60_000, T0_MS + 60_000, False)


def test_a_clients_own_members_cannot_pose_as_a_sessions() -> None:
    posing = {"implicit": True, "lease_ms": "long", "client_max_size": "many", "device_type": 7, "kept": 1}
    session = played(command("open", "a", extra=posing)).session()
    assert (session.implicit, session.lease_ms, session.client_max_size, session.device_type) == (
        False,
        LEASE_MS,
        0,
        "",
    )


@pytest.mark.parametrize(
    ("room_kind", "lease_ms"),
    [("call", RULES.call_lease_ms), ("account", RULES.account_lease_ms), ("stream", RULES.stream_lease_ms)],
)
def test_each_kind_of_room_has_its_own_lease(room_kind: str, lease_ms: int) -> None:
    room = played(command("open", "a"), room_kind=room_kind)
    assert room.session().lease_ms == lease_ms
    assert room.session().lease_ends_at_ms == (T0_MS + lease_ms if lease_ms else 0)


def test_a_session_without_a_lease_never_expires() -> None:
    room = played(command("open", "a"), room_kind="stream")
    assert told(room.take(command("expire", "a", at=10**12))) == [(0, "ignored", "a", "lease_renewed")]
    assert room.answer(command("refresh", "a", at=10**12)).lease_ends_at_ms == 0
    assert room.inside() == ["a"]


def test_a_live_session_that_is_opened_again_goes_on() -> None:
    room = played(join("a", "u"), status(at=10))
    fact = room.answer(join("a", "u", at=1_000))
    assert (fact.name, fact.reason) == ("session_refreshed", "rejoined")
    assert (fact.opened_at_ms, fact.lease_ends_at_ms) == (T0_MS, T0_MS + 1_000 + LEASE_MS)
    assert room.session().snapshot == snapshot("waiting 1/0/0")
    assert room.session().lease_ends_at_ms == T0_MS + 1_000 + LEASE_MS


def test_a_rejoin_needs_no_seat_of_its_own() -> None:
    room = played(seats(1), join("a"))
    assert room.answer(join("a", at=1)).name == "session_refreshed"
    assert admit(room.room, join("a"), RULES) is None


def test_who_rejoins_goes_on_with_what_they_say_of_themselves_now() -> None:
    room = played(command("open", "a", client_max_size=5, extra={"display_name": "Ann"}))
    extra = {"display_name": "Anna", "lease_ms": "long"}
    fact = room.answer(command("open", "a", at=1, client_max_size=3, extra=extra))
    assert fact.extra == {"display_name": "Anna", "client_max_size": 3}
    assert (room.session().client_max_size, room.session().lease_ms) == (3, LEASE_MS)
    assert room.answer(command("open", "a", at=2)).extra == {}
    assert room.session().client_max_size == 3


@pytest.mark.parametrize(("size", "reason"), [(2, "client_capacity"), (-1, "client_capacity"), (3, ""), (0, "")])
def test_who_rejoins_must_be_able_to_handle_the_others(size: int, reason: str) -> None:
    room = played(seats(3), join("a"), join("b"), join("c"))
    assert room.answer(join("a", size=size, at=1)).reason == (reason or "rejoined")
    assert room.inside() == ["a", "b", "c"]


def test_outside_calls_a_rejoin_asks_for_nothing() -> None:
    room = played(join("a"), join("b"), room_kind="account")
    assert room.answer(join("a", size=1, at=1)).reason == "rejoined"


def test_a_session_that_has_left_may_be_opened_again() -> None:
    room = played(join("a"), status(seq=5, id="i"), command("close", "a", at=10))
    fact = room.answer(join("a", at=10))
    assert (fact.name, fact.at_ms, fact.opened_at_ms) == ("session_opened", T0_MS + 11, T0_MS + 11)
    session = room.session()
    assert (session.snapshot, session.seq, session.recent_ids) == (INITIAL, 0, ())
    assert room.answer(status(at=20, seq=1, id="i")).verdict == "diagram"


def test_a_reopened_session_stands_behind_those_that_were_inside_before() -> None:
    room = played(join("a"), join("b"), command("close", "a"), join("a", at=1))
    assert room.inside() == ["b", "a"]


def test_a_session_found_expired_is_closed_and_opened_anew() -> None:
    room = played(join("a"))
    assert told(room.take(join("a", at=LEASE_MS))) == [
        (1, "session_closed", "a", "expired"),
        (0, "session_opened", "a", ""),
    ]
    assert room.session().opened_at_ms == T0_MS + LEASE_MS + 1


def test_another_session_of_the_same_user_gives_way() -> None:
    room = played(join("a", "u"), join("b", "v"), status(session="c", user="u"))
    assert told(room.take(join("d", "u", at=5))) == [
        (1, "session_closed", "a", "replaced"),
        (2, "session_closed", "c", "replaced"),
        (0, "session_opened", "d", ""),
    ]
    assert room.inside() == ["b", "d"]


@pytest.mark.parametrize(("room_kind", "user"), [("call", ""), ("account", "u"), ("stream", "u")])
def test_nobody_gives_way_without_a_user_or_outside_calls(room_kind: str, user: str) -> None:
    room = played(join("a", user), join("b", user), room_kind=room_kind)
    assert room.inside() == ["a", "b"]


def test_a_deleted_room_takes_nobody_until_it_is_created_again() -> None:
    room = played(seats(2), join("a"), command("room_delete", at=1))
    assert refusal(room, join("b", at=2)) == ("room_deleted", ())
    room.take(command("room_create", at=3))
    assert room.answer(join("b", at=4)).name == "session_opened"


def test_a_room_that_nobody_created_has_no_bound() -> None:
    room = played(*(join(str(number)) for number in range(50)))
    assert len(room.inside()) == 50


def test_a_room_is_full_when_its_seats_are_taken() -> None:
    room = played(seats(2), join("a"), join("b"))
    assert refusal(room, join("c")) == ("room_full", ("a", "b"))
    room.take(command("close", "a"))
    assert room.answer(join("c")).name == "session_opened"


def test_an_expired_session_holds_no_seat() -> None:
    room = played(seats(1), join("a"))
    assert told(room.take(join("b", at=LEASE_MS))) == [
        (1, "session_closed", "a", "expired"),
        (0, "session_opened", "b", ""),
    ]


def test_what_those_inside_can_handle_bounds_the_room() -> None:
    room = played(seats(9), join("a", size=2), join("b", size=9))
    assert refusal(room, join("c", size=9)) == ("room_full", ("a", "b"))


def test_a_seat_is_kept_for_the_owner_who_is_neither_inside_nor_the_joiner() -> None:
    room = played(seats(2, owner="o"), join("a", "u"))
    assert refusal(room, join("b", "v")) == ("room_full", ("a",))
    assert room.answer(join("c", "o")).name == "session_opened"
    assert room.inside() == ["a", "c"]


def test_no_seat_is_kept_once_the_owner_is_inside() -> None:
    room = played(seats(2, owner="o"), join("a", "o"))
    assert room.answer(join("b", "v")).name == "session_opened"


def test_an_owner_who_left_has_a_seat_kept_again() -> None:
    room = played(seats(2, owner="o"), join("a", "o"), join("b", "v"), command("close", "a"))
    assert refusal(room, join("c", "w")) == ("room_full", ("b",))


def test_no_seat_is_kept_where_there_is_no_bound() -> None:
    room = played(command("room_create", user="o"), join("a", "u"))
    assert room.answer(join("b", "v")).name == "session_opened"


def test_the_joiners_own_sessions_are_no_others() -> None:
    room = played(seats(2), join("a", "u"), join("b", "v"))
    assert told(room.take(join("c", "u")))[-1] == (0, "session_opened", "c", "")
    assert room.inside() == ["b", "c"]


@pytest.mark.parametrize("size", [1, 2])
def test_a_client_that_cannot_handle_those_inside_is_refused(size: int) -> None:
    room = played(join("a"), join("b"))
    assert refusal(room, join("c", size=size)) == ("client_capacity", ("a", "b"))
    assert room.answer(join("c", size=3)).name == "session_opened"


def test_a_full_room_is_said_before_what_the_client_can_handle() -> None:
    room = played(seats(2, owner="o"), join("a", "u"))
    assert refusal(room, join("b", "v", size=1)) == ("room_full", ("a",))
    assert refusal(played(seats(3), join("a")), join("b", size=1)) == ("client_capacity", ("a",))


def test_one_who_can_handle_one_finds_a_room_with_one_inside_full_or_not_by_who_is_inside() -> None:
    with_owner = played(seats(3, owner="o"), join("a", "o", size=2))
    assert refusal(with_owner, join("b", "v", size=1))[0] == "client_capacity"
    with_roomy_guest = played(seats(3, owner="o"), join("a", "u", size=3))
    assert refusal(with_roomy_guest, join("b", "v", size=1))[0] == "client_capacity"
    with_narrow_guest = played(seats(3, owner="o"), join("a", "u", size=2))
    assert refusal(with_narrow_guest, join("b", "v", size=1))[0] == "room_full"


@pytest.mark.parametrize("inside", [0, 1])
def test_a_client_that_can_handle_nobody_is_refused_even_in_an_empty_room(inside: int) -> None:
    room = played(*(join(str(number)) for number in range(inside)))
    assert refusal(room, join("x", size=-1))[0] == "client_capacity"


@pytest.mark.parametrize("room_kind", ["account", "stream", "a kind to come"])
def test_other_kinds_of_room_take_everybody(room_kind: str) -> None:
    room = played(seats(1), join("a"), join("b", size=1), room_kind=room_kind)
    assert room.inside() == ["a", "b"]
