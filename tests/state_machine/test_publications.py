"""Publications: a stream becomes live, is renewed, ends; its subscribers come and go on their own."""

from typing import Any

import pytest

from state_machine.room import Publication, Room, Rules
from tests.state_machine.builders import T0_MS, Played, command, told

LEASE_MS = 60_000
LEASED = Rules(stream_lease_ms=LEASE_MS)
PLACE = {"node": "origin.example", "region": "eu"}


def stream(*, rules: Rules = LEASED, **members: Any) -> Played:
    """Return a stream that was published at the beginning."""
    room = Played(Room("stream", "live/demo"), rules)
    room.take(command("publish", **{"extra": PLACE, **members}))
    return room


def publication(room: Played) -> Publication:
    assert room.room.publication is not None
    return room.room.publication


def test_a_published_stream_has_its_node_and_the_end_of_its_lease() -> None:
    room = stream(user="u")
    (fact,) = room.facts
    assert (fact.name, fact.at_ms, fact.user_id, fact.reason) == ("stream_published", T0_MS, "u", "")
    assert fact.extra == {**PLACE, "started_at_ms": T0_MS, "lease_ends_at_ms": T0_MS + LEASE_MS}
    assert publication(room) == Publication("origin.example", "eu", T0_MS, T0_MS, T0_MS + LEASE_MS)


def test_without_a_lease_it_goes_on_until_it_is_unpublished() -> None:
    room = stream(rules=Rules())
    assert publication(room).lease_ends_at_ms == 0
    assert told(room.take(command("open", "s", at=10**12))) == [(0, "session_opened", "s", "")]
    assert publication(room).started_at_ms == T0_MS
    assert told(room.take(command("unpublish", at=10**12 + 1))) == [(0, "stream_unpublished", "", "left")]
    assert room.room.publication is None


def test_the_lease_asked_for_counts_and_a_renewal_without_one_takes_the_rules() -> None:
    room = stream(lease_ms=5_000)
    assert publication(room).lease_ends_at_ms == T0_MS + 5_000
    room.take(command("publish", at=1_000))
    assert publication(room).lease_ends_at_ms == T0_MS + 1_000 + LEASE_MS


def test_publishing_again_renews_and_keeps_the_beginning_and_the_node() -> None:
    room = stream()
    fact = room.answer(command("publish", at=50_000, extra={"offered_node": "other", "offered_region": "us"}))
    assert (fact.name, fact.reason) == ("stream_published", "renewed")
    assert publication(room) == Publication("origin.example", "eu", T0_MS, T0_MS + 50_000, T0_MS + 110_000)


def test_a_publisher_that_names_another_node_has_moved_there() -> None:
    room = stream()
    room.take(command("publish", at=1, extra={"node": "second", "region": "us"}))
    assert (publication(room).node, publication(room).region) == ("second", "us")
    room.take(command("publish", at=2, extra={"node": "third"}))
    assert (publication(room).node, publication(room).region) == ("third", "")


@pytest.mark.parametrize(
    ("extra", "place"),
    [
        ({"offered_node": "o", "offered_region": "eu"}, ("o", "eu")),
        ({"offered_node": "o", "region": "us"}, ("o", "us")),
        ({"node": "n", "offered_node": "o", "offered_region": "eu"}, ("n", "")),
        ({"node": 7, "region": None}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_a_node_that_is_not_named_is_the_one_that_was_offered(extra: dict[str, Any], place: tuple[str, str]) -> None:
    running = publication(stream(extra=extra))
    assert (running.node, running.region) == place


def test_a_lease_that_is_over_ends_it_at_its_end_before_anything_else_is_decided() -> None:
    room = stream()
    facts = room.take(command("open", "s", at=LEASE_MS + 7))
    assert told(facts) == [(1, "stream_unpublished", "", "expired"), (0, "session_opened", "s", "")]
    assert facts[0].at_ms == T0_MS + LEASE_MS
    assert facts[0].extra == {**PLACE, "started_at_ms": T0_MS}
    assert room.room.publication is None


def test_up_to_its_end_a_lease_holds() -> None:
    room = stream()
    assert len(room.take(command("open", "s", at=LEASE_MS - 1))) == 1
    assert len(room.take(command("open", "t", at=LEASE_MS))) == 2


def test_publishing_after_the_end_begins_anew() -> None:
    room = stream()
    facts = room.take(command("publish", at=LEASE_MS, extra={"offered_node": "o"}))
    assert told(facts) == [(1, "stream_unpublished", "", "expired"), (0, "stream_published", "", "")]
    assert publication(room) == Publication("o", "", T0_MS + LEASE_MS, T0_MS + LEASE_MS, T0_MS + 2 * LEASE_MS)


def test_an_expiry_that_was_asked_for_is_answered_by_the_end() -> None:
    room = stream()
    room.take(command("open", "s", lease_ms=LEASE_MS))
    assert told(room.take(command("expire", at=LEASE_MS))) == [
        (1, "session_closed", "s", "expired"),
        (0, "stream_unpublished", "", "expired"),
    ]


def test_an_expiry_that_comes_after_a_renewal_changes_nothing() -> None:
    room = stream()
    room.take(command("publish", at=LEASE_MS - 1))
    assert told(room.take(command("expire", at=LEASE_MS))) == [(0, "ignored", "", "lease_renewed")]
    assert publication(room).started_at_ms == T0_MS


def test_an_expiry_that_comes_after_the_end_changes_nothing() -> None:
    room = stream()
    room.take(command("unpublish", at=1))
    assert told(room.take(command("expire", at=LEASE_MS))) == [(0, "ignored", "", "not_published")]


def test_unpublishing_leaves_the_subscribers_and_closing_them_leaves_the_stream() -> None:
    room = stream()
    room.take(command("open", "s"))
    room.take(command("unpublish", at=1))
    assert room.inside() == ["s"]
    room.take(command("publish", at=2))
    room.take(command("kill", at=3))
    assert room.inside() == []
    assert publication(room).started_at_ms == T0_MS + 2


def test_a_subscriber_may_come_before_the_stream_is_published() -> None:
    room = Played(Room("stream", "live/demo"), LEASED)
    assert room.answer(command("open", "s")).name == "session_opened"


def test_what_is_not_published_cannot_be_unpublished() -> None:
    room = stream()
    assert room.answer(command("unpublish", at=1, reason="cleared", user="u")).reason == "cleared"
    assert told(room.take(command("unpublish", at=2))) == [(0, "ignored", "", "not_published")]


def test_another_reason_is_none_of_the_vocabulary() -> None:
    assert stream().answer(command("unpublish", at=1, reason="I was tired")).reason == "left"


@pytest.mark.parametrize("kind", ["publish", "unpublish"])
@pytest.mark.parametrize("room_kind", ["call", "account"])
def test_only_a_stream_is_published(kind: str, room_kind: str) -> None:
    room = Played(Room(room_kind, "r"))
    assert told(room.take(command(kind, extra=PLACE))) == [(0, "ignored", "", "not_a_stream")]
    assert room.room.publication is None


def test_a_clock_that_steps_back_dates_nothing_before_the_publication() -> None:
    room = stream()
    assert room.answer(command("publish", at=-5_000)).at_ms == T0_MS
    assert publication(room).lease_ends_at_ms == T0_MS - 5_000 + LEASE_MS
    assert room.answer(command("unpublish", at=-9_000)).at_ms == T0_MS
