"""When a room ends by itself, what extends it, and what is left of it afterwards."""

import pytest

from state_machine.endings import EXTENSION_MS, end_ms
from state_machine.inputs import Input
from tests.state_machine.builders import LEASE_MS, T0_MS, Played, command, played, status, told

HOUR_MS = 3_600_000


def created(at: int = 0, hours: int = 1) -> Input:
    return command("room_create", at=at, user="o", max_size=3, expires_at_ms=T0_MS + at + hours * HOUR_MS)


def ends_after(room: Played) -> int:
    return end_ms(room.room) - T0_MS


def test_a_room_ends_when_it_was_said_to() -> None:
    room = played(created())
    assert told(room.take(command("open", "a", at=HOUR_MS))) == [(0, "open_refused", "a", "room_expired")]
    assert room.answer(command("open", "a", at=HOUR_MS - 1)).name == "session_opened"


def test_a_room_without_an_end_never_ends() -> None:
    room = played(command("room_create"))
    assert room.answer(command("open", "a", at=100 * EXTENSION_MS)).name == "session_opened"
    assert end_ms(room.room) == 0


@pytest.mark.parametrize(
    "use",
    [
        command("open", "b", at=70),
        command("open", "a", at=70),
        command("refresh", "a", at=70),
        command("close", "a", at=70),
        command("kill", "a", at=70),
        command("open", "c", at=70, user="u"),
    ],
    ids=["joined", "rejoined", "refreshed", "left", "killed", "replaced"],
)
def test_who_comes_stays_or_leaves_extends_the_room_by_eight_weeks(use: Input) -> None:
    room = played(created(), command("open", "a", at=10, user="u"))
    assert ends_after(room) == 10 + EXTENSION_MS
    room.take(use)
    assert ends_after(room) == 70 + EXTENSION_MS


@pytest.mark.parametrize(
    "other",
    [
        status("a", at=70),
        status("b", at=70),
        command("log_domains", "a", at=70),
        command("close", "x", at=70),
        command("expire", "a", at=10 + LEASE_MS),
    ],
    ids=["status", "opened by a status", "domains", "not inside", "expired"],
)
def test_nothing_else_extends_it(other: Input) -> None:
    room = played(created(), command("open", "a", at=10), other)
    assert ends_after(room) == 10 + EXTENSION_MS


def test_what_is_said_of_a_room_later_counts_anew() -> None:
    room = played(created(), command("open", "a", at=10))
    room.take(command("room_update", at=20, expires_at_ms=T0_MS + HOUR_MS))
    assert ends_after(room) == HOUR_MS
    room.take(command("refresh", "a", at=30))
    assert ends_after(room) == 30 + EXTENSION_MS


def test_a_use_never_shortens_a_room() -> None:
    room = played(created(hours=10_000), command("open", "a", at=10))
    assert ends_after(room) == 10_000 * HOUR_MS


def test_only_calls_are_extended() -> None:
    room = played(created(), command("open", "a", at=10), room_kind="stream")
    assert ends_after(room) == HOUR_MS


def test_everybody_is_out_once_the_room_has_ended() -> None:
    room = played(created(), command("open", "a", lease_ms=10 * HOUR_MS), command("open", "b", lease_ms=10 * HOUR_MS))
    room.take(command("close", "b", at=5))
    room.take(command("room_update", at=10, expires_at_ms=T0_MS + HOUR_MS))
    facts = room.take(command("refresh", "a", at=HOUR_MS + 5))
    assert told(facts) == [(1, "session_closed", "a", "expired"), (0, "refresh_refused", "a", "expired")]
    assert facts[0].at_ms == T0_MS + HOUR_MS
    assert ends_after(room) == HOUR_MS


def test_leases_that_were_over_before_the_room_are_dated_by_themselves() -> None:
    room = played(created(), command("open", "a", lease_ms=50), command("open", "b", lease_ms=10 * HOUR_MS))
    room.take(command("room_update", at=10, expires_at_ms=T0_MS + HOUR_MS))
    facts = room.take(command("kill", at=2 * HOUR_MS))
    assert [(fact.index, fact.session_id, fact.at_ms - T0_MS) for fact in facts[:2]] == [
        (1, "a", 50),
        (2, "b", HOUR_MS),
    ]
    assert facts[2].reason == "unknown_session"


@pytest.mark.parametrize("kind", ["room_update", "room_delete"])
def test_a_room_that_has_ended_is_as_good_as_unknown(kind: str) -> None:
    room = played(created())
    assert told(room.take(command(kind, at=HOUR_MS))) == [(0, "ignored", "", "unknown_room")]


def test_a_room_that_has_ended_may_be_created_again() -> None:
    room = played(created(), command("open", "a", at=1))
    assert room.answer(created(at=EXTENSION_MS)).reason == "room_exists"
    assert room.answer(created(at=EXTENSION_MS + 1)).name == "room_created"
    assert ends_after(room) == EXTENSION_MS + 1 + HOUR_MS
    assert room.answer(command("open", "a", at=EXTENSION_MS + 2)).name == "session_opened"


def test_a_deleted_room_does_not_end_as_well() -> None:
    room = played(created(), command("room_delete"), status(at=2 * HOUR_MS))
    assert told(room.take(command("open", "b", at=2 * HOUR_MS))) == [(0, "open_refused", "b", "room_deleted")]
    assert room.inside() == ["a"]


def test_statuses_are_judged_without_regard_to_the_rooms_end() -> None:
    room = played(created(), command("open", "a", lease_ms=10 * HOUR_MS))
    room.take(command("room_update", at=10, expires_at_ms=T0_MS + HOUR_MS))
    assert room.answer(status(at=2 * HOUR_MS)).verdict == "diagram"
    assert room.answer(command("expire", "a", at=2 * HOUR_MS)).reason == "lease_renewed"
