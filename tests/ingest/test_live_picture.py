"""The live picture: kept fact by fact, and as much as the view would show."""

from typing import Any

from ingest.live.picture import Picture
from storage.live_facts import LiveFact, LiveStay

ROOM = ("call", "room", "session")
OPENED_MS = 1_000


def stay(**members: Any) -> LiveStay:
    known = LiveStay(*ROOM, OPENED_MS, "waiting", 1, 0, 0, last_seen_ms=1_500, lease_ends_at_ms=9_000, user="user")
    return known._replace(**members)


def fact(name: str, **members: Any) -> LiveFact:
    plain = LiveFact(
        *(0, 0, *ROOM, OPENED_MS, name, "event", "sending", "waiting", 1, 1, 0, "implied", "", True),
        *(2_000, 2_000, 2_000, 0, "user"),
    )
    return plain._replace(**members)


def test_a_status_moves_its_session_and_is_told_once() -> None:
    picture = Picture([stay()])
    picture.apply(fact("status_judged"))
    change = picture.take_change()
    assert change.changed == [stay(state="sending", send_streams=1, last_seen_ms=2_000)]
    assert change.moves == [("call", "waiting", "sending", "implied", "", 1)]
    assert picture.counts() == [("call", "sending", 1)]
    assert picture.take_change().is_empty


def test_one_that_does_not_move_is_told_and_changes_no_state() -> None:
    picture = Picture([stay()])
    picture.apply(fact("status_judged", verdict="violation", reason="unknown_state", state="x" * 900, moved=False))
    change = picture.take_change()
    assert (change.changed[0].state, change.changed[0].last_seen_ms) == ("waiting", 2_000)
    assert change.moves == [("call", "waiting", "waiting", "violation", "unknown_state", 1)]
    assert change.violations == [(2_000, *ROOM, "event", "waiting", "x" * 40, "unknown_state")]


def test_a_lease_that_is_over_takes_its_session_away_before_anybody_closed_it() -> None:
    picture = Picture([stay(), stay(session="forever", lease_ends_at_ms=0)])
    picture.expire(8_999)
    assert len(picture) == 2
    picture.expire(9_000)
    assert (picture.take_change().gone, picture.counts()) == ([ROOM], [("call", "waiting", 1)])
    picture.apply(fact("session_closed", reason="expired"))
    assert picture.take_change().gone == []


def test_a_renewed_lease_keeps_it() -> None:
    picture = Picture([stay()])
    picture.apply(fact("session_refreshed", lease_ends_at_ms=20_000))
    picture.expire(9_000)
    assert len(picture) == 1


def test_facts_that_are_in_the_picture_already_change_nothing() -> None:
    facts = [
        fact("session_opened", reason="implicit", lease_ends_at_ms=9_000, received_at_ms=1_000),
        fact("status_judged", state="waiting", prev_state="init", connections=1, send_streams=0, received_at_ms=1_500),
    ]
    picture = Picture([stay()])
    for each in facts:
        picture.apply(each)
    assert picture.stays == [stay()]


def test_what_an_earlier_stay_still_says_does_not_touch_the_present_one() -> None:
    picture = Picture([stay(opened_at_ms=5_000)])
    picture.apply(fact("session_closed", reason="left"))
    picture.apply(fact("status_judged"))
    assert picture.stays == [stay(opened_at_ms=5_000)]


def test_facts_of_a_room_itself_are_nobodys() -> None:
    picture = Picture(())
    picture.apply(fact("room_created", session=""))
    assert picture.take_change().is_empty
