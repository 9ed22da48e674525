"""Simulated traffic: the plan follows from the seed, honest clients break no rule, each fault gets its verdict."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise
from random import Random
from typing import Any

import pytest

from roomstate.simulation.call import Call, CallShape, planned_call
from roomstate.simulation.misbehaviour import FAULTS
from roomstate.simulation.plan import Traffic, planned_calls
from roomstate.simulation.steps import Step
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.inputs import Input
from state_machine.room import Room, Rules

HONEST = CallShape(talk_s=20.0, misbehaving=0.0)
RULES = Rules()


def decided(room: str, steps: Iterable[Step]) -> Counter[str]:
    """Put the steps into the state machine, as ingest and processor would; return facts, verdicts and reasons."""
    state = Room("call", room)
    found: Counter[str] = Counter()
    turned_away = set[str]()
    for step in steps:
        body: dict[str, Any] = dict(step.body)
        if body.get("session") in turned_away:
            continue
        item = Input(**body, received_at_ms=1_700_000_000_000 + step.at_ms)
        for fact in decide(state, item, RULES):
            evolve(state, fact)
            found[fact.verdict or fact.name] += 1
            if fact.verdict in ("violation", "after_close"):
                found[fact.reason] += 1
            if fact.name == "open_refused":
                turned_away.add(fact.session_id or item.session)
    return found


def plan(calls: int, shape: CallShape = HONEST, seed: str = "a") -> list[Call]:
    """Return the plan of so many calls."""
    return list(planned_calls(Traffic(seed, calls, 30, shape), "test"))


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(20) == plan(20)
    assert plan(20) != plan(20, seed="b")


def test_a_plan_without_end_begins_like_any_other() -> None:
    assert list(islice(planned_calls(Traffic("a", 0, 30, HONEST), "test"), 20)) == plan(20)


def test_calls_come_at_the_rate_that_was_asked_for() -> None:
    calls = plan(1200)
    assert [call.starts_ms for call in calls] == sorted(call.starts_ms for call in calls)
    assert calls[-1].starts_ms == pytest.approx(40 * 60_000, rel=0.15)


def test_rooms_are_named_so_that_they_can_be_told_from_real_ones() -> None:
    assert [call.room for call in plan(3)] == ["sim-test-0", "sim-test-1", "sim-test-2"]


def test_every_input_has_an_id_of_its_own_and_steps_are_in_order() -> None:
    for call in plan(100):
        ids = [step.body["id"] for step in call.steps]
        assert len(set(ids)) == len(ids)
        assert [step.at_ms for step in call.steps] == sorted(step.at_ms for step in call.steps)


def test_honest_clients_break_no_rule_and_do_everything_that_real_ones_do() -> None:
    found: Counter[str] = Counter()
    for call in plan(300):
        found += decided(call.room, call.steps)
    assert not found["violation"] + found["duplicate"] + found["late"] + found["after_close"] + found["ignored"]
    for name in ("room_created", "session_opened", "session_closed", "open_refused", "diagram", "implied", "steady"):
        assert found[name], name
    assert found["session_closed"] < found["session_opened"], "nobody crashed"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("counter_jump", "counter_jump"),
        ("wrong_state", "state_disagrees"),
        ("unknown_state", "unknown_state"),
        ("late", "late"),
        ("repeated", "duplicate"),
        ("after_close", "after_close"),
    ],
)
def test_each_fault_gets_its_verdict(fault: str, said: str) -> None:
    found: Counter[str] = Counter()
    for number in range(20):
        call = planned_call(Random(number), "sim-x", 0, HONEST)
        stay = [step for step in call.steps if step.body.get("session") == "sim-x-0"]
        index = next((i for i, step in enumerate(stay) if step.body["kind"] == "status"), None)
        assert index is not None
        steps = sorted(FAULTS[fault](stay, index), key=lambda step: step.at_ms)
        found += decided("sim-x", [call.steps[0], *steps])
    assert found[said], found


def test_a_share_of_the_people_misbehaves() -> None:
    found: Counter[str] = Counter()
    for call in plan(200, CallShape(talk_s=20.0, misbehaving=0.3)):
        found += decided(call.room, call.steps)
    for said in ("violation", "late", "duplicate"):
        assert found[said], said


def test_long_stays_refresh_their_lease_in_time() -> None:
    call = next(call for call in plan(50, CallShape(talk_s=1000.0)) if call.steps[-1].at_ms > 900_000)
    for session in {step.body["session"] for step in call.steps if step.body["kind"] == "refresh"}:
        times = [
            s.at_ms for s in call.steps if s.body.get("session") == session and s.body["kind"] in ("open", "refresh")
        ]
        assert max(later - earlier for earlier, later in pairwise(times)) < 300_000
