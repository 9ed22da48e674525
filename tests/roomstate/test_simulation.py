"""Simulated calls: plans follow from seeds, honest clients break no rule, a version that misbehaves always does."""

from collections import Counter
from itertools import islice, pairwise
from random import Random

import pytest

from roomstate.simulation.call import CallShape, planned_call
from roomstate.simulation.clients import CALLERS, FAULTY_CALLERS, Fault
from roomstate.simulation.day import BY_HOUR, arrivals_ms, busy_at
from roomstate.simulation.misbehaviour import FAULTS
from roomstate.simulation.people import (
    DEAF,
    ENDINGS,
    NO_CAMERA,
    SIZES,
    TROUBLED,
    Person,
    people_of_a_call,
)
from roomstate.simulation.plan import Traffic, planned_calls, planned_scenes
from roomstate.simulation.steps import Scene
from state_machine.room import Rules
from tests.roomstate.deciding import decided, decided_steps

HONEST = CallShape(talk_s=20.0, misbehaving=0.0)
ALL_KINDS = Traffic("a", 60, 30, CallShape(20.0, 0.2), playback=0.5, streams=0.2)
RULE_BREAKING = ("violation", "duplicate", "late", "after_close")


def plan(calls: int, shape: CallShape = HONEST, seed: str = "a") -> list[Scene]:
    """Return the plan of so many calls."""
    return list(planned_calls(Traffic(seed, calls, 30, shape), "test"))


def verdicts(scenes: list[Scene]) -> Counter[str]:
    """Return how often which verdict, or which fact that is none, comes of the scenes."""
    return Counter(each.fact.verdict or each.fact.name for scene in scenes for each in decided(scene))


def people(calls: int = 3000) -> list[list[Person]]:
    """Return the people of so many calls."""
    random = Random("people")
    return [people_of_a_call(random, 60.0, 0.1) for _ in range(calls)]


def test_the_same_seed_gives_the_same_plan_of_everything() -> None:
    first = list(planned_scenes(ALL_KINDS, "test"))
    assert {scene.room_kind for scene in first} == {"call", "account", "stream"}
    assert first == list(planned_scenes(ALL_KINDS, "test"))
    assert first != list(planned_scenes(Traffic("b", 60, 30, ALL_KINDS.shape, 18, 0.5, 0.2), "test"))


def test_calls_stay_as_they_are_whatever_goes_on_beside_them() -> None:
    beside = [scene for scene in planned_scenes(ALL_KINDS, "test") if scene.room_kind == "call"]
    assert beside == plan(60, CallShape(20.0, 0.2))


def test_a_plan_without_end_begins_like_any_other() -> None:
    assert list(islice(planned_calls(Traffic("a", 0, 30, HONEST), "test"), 20)) == plan(20)


def test_calls_come_at_the_rate_that_was_asked_for() -> None:
    calls = plan(1200)
    assert [call.starts_ms for call in calls] == sorted(call.starts_ms for call in calls)
    assert calls[-1].starts_ms == pytest.approx(40 * 60_000, rel=0.15)


def test_a_day_has_its_busy_and_its_quiet_hours() -> None:
    day_ms = 24 * 3_600_000
    starts = [at_ms for at_ms in islice(arrivals_ms(Random(7), 20.0, 18.0), 30_000) if at_ms < day_ms]
    by_hour = Counter((18 + int(at_ms // 3_600_000)) % 24 for at_ms in starts)
    for hour, number in by_hour.items():
        expected = 20.0 * 60 * (BY_HOUR[hour] + BY_HOUR[(hour + 1) % 24]) / 2 / busy_at(18.0)
        assert number == pytest.approx(expected, rel=0.25), hour
    assert len(by_hour) == 24


def test_rooms_are_named_so_that_they_can_be_told_from_real_ones() -> None:
    assert [call.room for call in plan(3)] == ["sim-test-0", "sim-test-1", "sim-test-2"]
    rooms = [scene.room for scene in planned_scenes(ALL_KINDS, "test")]
    assert len(set(rooms)) == len(rooms)
    assert all(room.startswith("sim-test") for room in rooms)


def test_every_input_has_an_id_of_its_own_and_steps_are_in_order() -> None:
    for scene in planned_scenes(Traffic("a", 100, 30, HONEST, playback=0.5, streams=0.2), "test"):
        ids = [step.body["id"] for step in scene.steps]
        assert len(set(ids)) == len(ids)
        assert [step.at_ms for step in scene.steps] == sorted(step.at_ms for step in scene.steps)
        assert {step.body["room"] for step in scene.steps} == {scene.room}


def test_honest_clients_break_no_rule_and_do_everything_that_real_ones_do() -> None:
    found = verdicts(plan(1000))
    assert not sum(found[name] for name in (*RULE_BREAKING, "ignored")), found
    for name in ("room_created", "session_opened", "session_closed", "open_refused"):
        assert found[name], name
    for verdict in ("diagram", "exceptional", "implied", "steady", "notice", "restart", "teardown"):
        assert found[verdict], verdict
    assert found["session_closed"] < found["session_opened"], "nobody crashed"


def test_calls_are_of_one_to_six_people() -> None:
    sizes = Counter(1 + max(person.user for person in each) for each in people())
    assert {size: number / 3000 for size, number in sizes.items()} == pytest.approx(SIZES, rel=0.2)


def test_stays_end_in_all_the_ways_that_stays_end() -> None:
    stays = [(before, after) for each in people() for before, after in pairwise([None, *each]) if after]
    back = [after for before, after in stays if before and before.user == after.user]
    firsts = [after for before, after in stays if not before or before.user != after.user]
    endings = Counter(person.ending for person in firsts)
    assert {name: number / len(firsts) for name, number in endings.items()} == pytest.approx(dict(ENDINGS), rel=0.2)
    assert len(back) == endings["vanished"] + endings["dropped"] + endings["reloaded"]


def test_who_was_thrown_out_is_back_within_a_minute() -> None:
    for each in people(500):
        for before, after in pairwise(each):
            if before.user == after.user:
                assert 0 < after.joins_ms - before.leaves_ms < 60_000


def test_media_come_up_log_normally_and_for_some_never() -> None:
    connected = [person for each in people() for person in each if person.is_seen]
    delays_ms = sorted(person.connected_ms - person.joins_ms for person in connected)
    assert delays_ms[len(delays_ms) // 2] == pytest.approx(403, rel=0.05)
    assert delays_ms[len(delays_ms) * 95 // 100] == pytest.approx(403 * 2.276, rel=0.1)
    share = len(connected)
    assert sum(person.published_ms is None for person in connected) / share == pytest.approx(NO_CAMERA, rel=0.2)
    assert sum(not person.hears for person in connected) / share == pytest.approx(DEAF, rel=0.25)
    assert sum(person.trouble is not None for person in connected) / share == pytest.approx(TROUBLED, rel=0.2)


def test_ghosts_outstay_everybody_and_never_leave() -> None:
    ghosts = 0
    for call in plan(300):
        sessions = {step.body["session"] for step in call.steps if "session" in step.body}
        closed = {step.body["session"] for step in call.steps if step.body["kind"] == "close"}
        last = call.steps[-1].body
        ghosts += last["kind"] == "refresh" and last["session"] in sessions - closed
    assert ghosts == 0, "a call of 20 s leaves no ghost long enough to refresh"
    lasting = [call for call in plan(300, CallShape(talk_s=200.0)) if call.steps[-1].body["kind"] == "refresh"]
    assert len(lasting) > 3


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
def test_each_fault_gets_its_verdict(fault: Fault, said: str) -> None:
    found: Counter[str] = Counter()
    for number in range(20):
        call = planned_call(Random(number), "sim-x", 0, HONEST)
        stay = [step for step in call.steps if step.body.get("session") == "sim-x-0"]
        index = next((i for i, step in enumerate(stay) if step.body["kind"] == "status"), None)
        if index is None:
            continue
        steps = sorted(FAULTS[fault](stay, index), key=lambda step: step.at_ms)
        for each in decided_steps("call", "sim-x", [call.steps[0], *steps], Rules()):
            found[each.fact.verdict] += 1
            found[each.fact.reason] += 1
    assert found[said], found


def test_a_version_that_misbehaves_does_so_in_every_stay_and_no_other_ever_does() -> None:
    broken: Counter[str] = Counter()
    stays: dict[str, set[str]] = {}
    judged: dict[str, set[str]] = {}
    for call in plan(400, CallShape(talk_s=20.0, misbehaving=0.2)):
        for fact, step in decided(call):
            if not fact.verdict:
                continue
            agent = step.body["user_agent"]
            judged.setdefault(agent, set()).add(fact.session_id)
            if fact.verdict in RULE_BREAKING:
                broken[agent] += 1
            if fact.verdict == "violation":
                stays.setdefault(agent, set()).add(fact.session_id)
    faulty = {client.user_agent for client in FAULTY_CALLERS}
    assert broken.keys() == faulty
    assert judged.keys() == faulty | {client.user_agent for client in CALLERS}
    assert stays == {agent: judged[agent] for agent in faulty}


def test_so_many_people_are_on_a_version_that_misbehaves() -> None:
    everybody = [person for each in people() for person in each]
    share = sum(bool(person.client.faults) for person in everybody) / len(everybody)
    assert share == pytest.approx(0.1, rel=0.1)


def test_long_stays_refresh_their_lease_in_time() -> None:
    call = next(call for call in plan(50, CallShape(talk_s=1000.0)) if call.steps[-1].at_ms > 900_000)
    for session in {step.body["session"] for step in call.steps if step.body["kind"] == "refresh"}:
        times = [
            s.at_ms for s in call.steps if s.body.get("session") == session and s.body["kind"] in ("open", "refresh")
        ]
        assert max(later - earlier for earlier, later in pairwise(times)) < 300_000
