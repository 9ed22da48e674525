"""Commands other than openings: what each answers, and what follows from it."""

from typing import Any

import pytest

from state_machine.evolve import ANSWERS_KEPT
from state_machine.facts import Fact
from state_machine.vocabulary import FACTS, INPUT_KINDS
from tests.state_machine.builders import LEASE_MS, RULES, T0_MS, Played, command, played, snapshot, status, told


def opened(*sessions: str) -> Played:
    return played(*(command("open", session, user=f"user of {session}") for session in sessions))


def test_a_refresh_renews_the_lease_from_when_it_was_received() -> None:
    room = played(command("open", "a", lease_ms=60_000), status())
    fact = room.answer(command("refresh", "a", at=59_999))
    assert (fact.name, fact.reason, fact.moved) == ("session_refreshed", "", False)
    assert fact.before == snapshot("waiting 1/0/0")
    assert room.session().lease_ends_at_ms == fact.lease_ends_at_ms == T0_MS + 119_999


def test_a_clock_that_jumped_ahead_and_came_back_keeps_no_session_alive() -> None:
    a_day_ms = 86_400_000
    room = played(command("open", "a", at=a_day_ms), command("refresh", "a"))
    assert (room.session().at_ms, room.session().lease_ends_at_ms) == (T0_MS + a_day_ms, T0_MS + LEASE_MS)
    closed = room.answer(command("expire", "a", at=LEASE_MS))
    assert (closed.name, closed.at_ms) == ("session_closed", T0_MS + a_day_ms)


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [("close", "session_closed", "left"), ("kill", "session_closed", "killed")],
)
def test_a_session_is_ended(kind: str, name: str, reason: str) -> None:
    room = opened("a", "b")
    room.take(status())
    fact = room.answer(command(kind, "a", at=70))
    assert (fact.name, fact.reason, fact.moved, fact.at_ms) == (name, reason, False, T0_MS + 70)
    assert (fact.before, fact.user_id) == (snapshot("waiting 1/0/0"), "user of a")
    assert room.inside() == ["b"]


@pytest.mark.parametrize(
    ("kind", "name"), [("refresh", "refresh_refused"), ("close", "close_refused"), ("kill", "close_refused")]
)
def test_what_has_ended_is_refused_with_how_it_ended_and_after_a_while_as_unknown(kind: str, name: str) -> None:
    endings = {
        "left": command("close", "a"),
        "killed": command("kill", "a"),
        "replaced": command("open", "b", user="u"),
        "room_deleted": command("room_delete"),
    }
    for reason, ending in endings.items():
        room = played(command("room_create"), command("open", "a", user="u"), ending)
        fact = room.answer(command(kind, "a", at=RULES.closed_memory_ms))
        assert (fact.name, fact.reason, fact.opened_at_ms, fact.user_id) == (name, reason, T0_MS, "u")
        fact = room.answer(command(kind, "a", at=RULES.closed_memory_ms + 1, user="who asks"))
        assert (fact.name, fact.reason, fact.opened_at_ms, fact.user_id) == (name, "unknown_session", 0, "who asks")


@pytest.mark.parametrize(("kind", "name"), [("refresh", "refresh_refused"), ("close", "close_refused")])
def test_a_session_whose_lease_is_over_is_closed_at_its_end_and_then_refused(kind: str, name: str) -> None:
    room = opened("a")
    closed, refused = room.take(command(kind, "a", at=LEASE_MS + 500))
    assert told([closed, refused]) == [(1, "session_closed", "a", "expired"), (0, name, "a", "expired")]
    assert closed.at_ms == T0_MS + LEASE_MS
    assert refused.at_ms == T0_MS + LEASE_MS + 500


def test_a_lease_is_over_exactly_at_its_end() -> None:
    assert opened("a").answer(command("refresh", "a", at=LEASE_MS - 1)).name == "session_refreshed"
    assert opened("a").answer(command("refresh", "a", at=LEASE_MS)).name == "refresh_refused"


def test_an_expiry_is_dated_no_earlier_than_the_stays_last_fact() -> None:
    room = played(command("open", "a", lease_ms=1_000), status(at=990), status(session="b", at=500))
    room.room.sessions["a"].at_ms = T0_MS + 1_200
    assert room.take(command("close", "b", at=2_000))[0].at_ms == T0_MS + 1_200


def test_any_input_of_the_room_finds_every_lease_that_is_over() -> None:
    room = opened("a", "b")
    room.take(command("open", "c", at=10))
    assert told(room.take(command("room_create", at=LEASE_MS))) == [
        (1, "session_closed", "a", "expired"),
        (2, "session_closed", "b", "expired"),
        (0, "room_created", "", ""),
    ]
    assert room.inside() == ["c"]


def test_an_expiry_asked_for_is_its_own_answer() -> None:
    room = opened("a", "b", "c")
    assert told(room.take(command("expire", "b", at=LEASE_MS))) == [
        (1, "session_closed", "a", "expired"),
        (2, "session_closed", "c", "expired"),
        (0, "session_closed", "b", "expired"),
    ]


def test_an_expiry_of_a_renewed_lease_is_ignored() -> None:
    room = opened("a")
    room.take(command("refresh", "a", at=1))
    assert told(room.take(command("expire", "a", at=LEASE_MS))) == [(0, "ignored", "a", "lease_renewed")]


def test_an_expiry_of_what_is_closed_or_unknown_is_ignored() -> None:
    room = opened("a")
    room.take(command("close", "a"))
    assert room.answer(command("expire", "a", at=LEASE_MS)).reason == "already_closed"
    assert room.answer(command("expire", "x", at=LEASE_MS)).reason == "unknown_session"


def test_a_kill_without_a_session_ends_everybodys_stay() -> None:
    room = opened("a", "b", "c")
    room.take(command("close", "b"))
    assert told(room.take(command("kill"))) == [
        (1, "session_closed", "c", "killed"),
        (0, "session_closed", "a", "killed"),
    ]
    assert told(room.take(command("kill"))) == [(0, "close_refused", "", "unknown_session")]


def test_a_room_is_created_once_until_it_is_deleted() -> None:
    room = played()
    extra = {"roomName": "Tea", "owner": "an impostor"}
    fact = room.answer(command("room_create", user="o", max_size=3, expires_at_ms=T0_MS + 9, extra=extra))
    assert (fact.name, fact.user_id) == ("room_created", "o")
    assert fact.extra == {"roomName": "Tea", "owner": "o", "max_size": 3, "expires_at_ms": T0_MS + 9}
    assert (room.room.owner, room.room.max_size, room.room.expires_at_ms) == ("o", 3, T0_MS + 9)
    assert (room.room.attributes, room.room.created_at_ms) == ({"roomName": "Tea"}, T0_MS)
    assert told(room.take(command("room_create", user="p"))) == [(0, "ignored", "", "room_exists")]
    room.take(command("room_delete", at=5))
    assert room.answer(command("room_create", at=6)).name == "room_created"
    assert (room.room.owner, room.room.attributes, room.room.deleted_at_ms) == ("", {}, 0)


def test_an_update_changes_what_it_names_and_its_row_restores_the_whole_room() -> None:
    room = played(command("room_create", user="o", max_size=3, expires_at_ms=T0_MS + 9, extra={"roomName": "Tea"}))
    fact = room.answer(command("room_update", user="p", max_size=5, extra={"channel": "x"}))
    assert fact.name == "room_updated"
    members = {"owner": "o", "max_size": 5, "expires_at_ms": T0_MS + 9, "roomName": "Tea", "channel": "x"}
    assert fact.extra == members
    assert (room.room.owner, room.room.max_size) == ("o", 5)
    assert room.answer(command("room_update", expires_at_ms=T0_MS + 10)).extra == {
        **members,
        "expires_at_ms": T0_MS + 10,
    }


@pytest.mark.parametrize("kind", ["room_update", "room_delete"])
def test_a_room_that_does_not_exist_cannot_be_changed(kind: str) -> None:
    assert played().answer(command(kind)).reason == "unknown_room"
    deleted = played(command("room_create"), command("room_delete"))
    assert told(deleted.take(command(kind))) == [(0, "ignored", "", "unknown_room")]


def test_a_deletion_ends_everybodys_stay() -> None:
    room = opened("a", "b")
    room.take(command("room_create"))
    assert told(room.take(command("room_delete", user="o", extra={"why": "done"}))) == [
        (1, "session_closed", "a", "room_deleted"),
        (2, "session_closed", "b", "room_deleted"),
        (0, "room_deleted", "", ""),
    ]
    assert (room.facts[-1].user_id, room.facts[-1].extra) == ("o", {"why": "done"})
    assert room.answer(status()).verdict == "after_close"


def test_domains_are_noted_of_a_live_session_only() -> None:
    room = opened("a")
    domains = {"domains": [{"domain": "example.org", "count": 2}]}
    fact = room.answer(command("log_domains", "a", extra=domains))
    assert (fact.name, fact.extra, fact.user_id) == ("domains_logged", domains, "user of a")
    assert room.answer(command("log_domains", "x", extra=domains)).reason == "unknown_session"
    room.take(command("close", "a"))
    refused = room.answer(command("log_domains", "a", extra=domains))
    assert (refused.name, refused.reason, refused.extra) == ("ignored", "left", {})


def test_what_is_only_noted_keeps_who_and_what() -> None:
    fact = played().answer(command("register", user="u", extra={"sealed_key": "k"}))
    assert (fact.name, fact.user_id, fact.extra) == ("user_registered", "u", {"sealed_key": "k"})


def test_a_kind_that_nobody_knows_is_ignored() -> None:
    assert told(played().take(command("a kind to come", "a"))) == [(0, "ignored", "a", "unknown_kind")]


@pytest.mark.parametrize("kind", INPUT_KINDS)
def test_every_kind_of_input_is_answered_by_a_known_fact_about_its_session(kind: str) -> None:
    for room in (played(), opened("a")):
        fact = room.answer(command(kind, "a", user="user of a"))
        assert (fact.index, fact.user_id) == (0, "user of a")
        assert fact.name in FACTS
        assert fact.reason != "unknown_kind"


COMMANDS: list[dict[str, Any]] = [
    {"kind": "open", "session": "b"},
    {"kind": "close", "session": "a"},
    {"kind": "kill"},
    {"kind": "refresh", "session": "x"},
    {"kind": "expire", "session": "a", "at": LEASE_MS},
    {"kind": "room_create", "max_size": 2},
    {"kind": "register"},
]


@pytest.mark.parametrize("members", COMMANDS, ids=[members["kind"] for members in COMMANDS])
def test_a_command_that_was_answered_is_not_done_again(members: dict[str, Any]) -> None:
    room = opened("a")
    first = room.answer(command(**members, id="i"))
    assert first.command_id == "i"
    second = room.answer(command(**members, id="i"))
    assert (second.name, second.reason, second.command_id) == ("ignored", "duplicate", "")
    assert second.repeats is first
    assert room.answer(command("unpublish", id="i", at=members.get("at", 0))).repeats is first


@pytest.mark.parametrize("kind", ["register", "expire"])
def test_leases_found_over_are_closed_beside_a_repeated_answer(kind: str) -> None:
    room = opened("a")
    first = room.answer(command(kind, "a", id="i"))
    again = room.take(command(kind, "a", at=LEASE_MS, id="i"))
    assert told(again) == [(1, "session_closed", "a", "expired"), (0, "ignored", "a", "duplicate")]
    assert again[-1].repeats is first


def test_a_command_without_an_id_is_done_again() -> None:
    room = opened("a")
    assert [room.answer(command("refresh", "a")).name for _ in range(2)] == ["session_refreshed"] * 2


def test_the_last_answers_of_a_room_are_remembered_and_no_more() -> None:
    room = played(*(command("register", id=str(number)) for number in range(ANSWERS_KEPT)))
    assert room.answer(command("register", id="0")).reason == "duplicate"
    room.take(command("register", id="one more"))
    assert room.answer(command("register", id="1")).reason == "duplicate"
    assert room.answer(command("register", id="0")).name == "user_registered"
    assert len(room.room.answers) == ANSWERS_KEPT


def test_the_id_of_a_status_is_none_of_a_command() -> None:
    room = played(status(id="i"))
    assert room.answer(command("register", id="i")).name == "user_registered"
    fact: Fact = room.answer(status(id="j"))
    assert (fact.status_id, fact.command_id) == ("j", "")
