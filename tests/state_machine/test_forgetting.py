"""What leaves a room, when its leases are looked at, and facts about stays that it does not hold."""

from copy import deepcopy

import pytest

from state_machine.evolve import evolve, forget
from state_machine.facts import Fact, Step
from state_machine.room import NEVER_MS
from tests.state_machine.builders import LEASE_MS, RULES, T0_MS, command, played, status


def test_a_closed_session_is_forgotten_when_no_status_can_be_judged_by_it_any_more() -> None:
    room = played(command("open", "a"), command("open", "b"), command("close", "a", at=10))
    forget(room.room, T0_MS + 10 + RULES.closed_memory_ms, RULES)
    assert list(room.room.sessions) == ["a", "b"]
    forget(room.room, T0_MS + 11 + RULES.closed_memory_ms, RULES)
    assert list(room.room.sessions) == ["b"]


@pytest.mark.parametrize(
    "name",
    ["status_judged", "session_refreshed", "session_closed", "refresh_refused", "close_refused", "domains_logged"],
)
@pytest.mark.parametrize(("session_id", "opened_at_ms"), [("x", T0_MS), ("a", T0_MS - 1)])
def test_a_fact_about_a_stay_that_the_room_does_not_hold_changes_nothing(
    name: str, session_id: str, opened_at_ms: int
) -> None:
    room = played(command("open", "a"), status()).room
    before = deepcopy(room)
    step = Step(moved=True)
    evolve(room, Fact(name, 1, T0_MS + 9, session_id, opened_at_ms=opened_at_ms, step=step, lease_ends_at_ms=7))
    assert room == before


def test_leases_are_looked_at_again_only_when_the_earliest_has_passed() -> None:
    room = played(command("open", "a"), command("open", "b", at=100), command("refresh", "a", at=200))
    assert room.room.next_lease_end_ms == T0_MS + LEASE_MS
    room.take(command("refresh", "a", at=LEASE_MS))
    assert room.room.next_lease_end_ms == T0_MS + LEASE_MS + 100
    room.take(command("kill", at=LEASE_MS + 200))
    assert room.room.next_lease_end_ms == NEVER_MS
