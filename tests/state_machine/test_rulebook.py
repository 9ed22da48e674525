"""The rules in words: nothing that the core decides is without one, and the steps tell what the judge does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from state_machine.facts import Snapshot
from state_machine.inputs import Input
from state_machine.judge import judge, state_agrees
from state_machine.reasoning import counters_of, expected_counters, meant_state, reasoning
from state_machine.room import Room
from state_machine.rulebook import FAMILY_MEANINGS, STATE_MEANINGS, fact_rules, rule_of, verdict_rules
from state_machine.vocabulary import FACTS, FAMILIES, STATES, VERDICTS
from tests.state_machine.builders import Played, snapshot
from tests.state_machine.drawing import jumping_logs, room_kinds

snapshots = st.builds(
    Snapshot, st.sampled_from([*STATES, "strange"]), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)
)


@settings(deadline=None)
@given(room_kinds, jumping_logs)
def test_every_fact_of_any_log_has_its_rule(room_kind: str, items: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for item in items:
        for fact in room.take(item):
            assert rule_of(fact.name, fact.verdict, fact.reason).text, (fact.name, fact.verdict, fact.reason)


def test_the_closed_lists_are_told_of() -> None:
    assert set(STATE_MEANINGS) == set(STATES)
    assert set(FAMILY_MEANINGS) == set(FAMILIES)
    assert {rule.name.split()[0] for rule in verdict_rules()} == set(VERDICTS)
    assert {rule.name.split()[0] for rule in fact_rules()} == set(FACTS) - {"status_judged"}
    rules = verdict_rules() + fact_rules()
    assert len({rule.name for rule in rules}) == len(rules)
    assert [rule.name for rule in rules if not rule.text.endswith(".")] == []


def test_a_reason_that_nobody_knows_has_no_rule() -> None:
    assert rule_of("session_closed", "", "on a whim").text == ""
    assert rule_of("status_judged", "violation", "on a whim") == ("violation on a whim", "")


@given(snapshots, st.sampled_from(FAMILIES), snapshots)
def test_the_steps_agree_with_the_judgement(before: Snapshot, family: str, declared: Snapshot) -> None:
    verdict, reason, _ = judge(before, family, declared)
    steps = reasoning("it", family, before, declared)
    last = steps[-1]
    if reason == "unknown_state":
        assert "none of the seven" in last
        return
    moved_as_said = expected_counters(before, family) == counters_of(declared)
    assert ("moved as the event says" in steps[1]) is moved_as_said
    assert ("instead of" in steps[1]) is not moved_as_said
    if verdict in ("diagram", "exceptional"):
        assert f"{before.state} → {declared.state}" in last
        assert ("exceptional" in last) is (verdict == "exceptional")
    elif verdict in ("implied", "violation"):
        assert ("agrees" in last) is state_agrees(declared) is (reason != "state_disagrees")
        assert (declared.state in meant_state(declared)) is state_agrees(declared)
    elif verdict in ("steady", "notice"):
        assert last == f"The state stays {before.state}."


def test_a_jump_names_each_counter_that_is_wrong() -> None:
    steps = reasoning("Session.streamCreated", "recv_created", snapshot("waiting 1/0/0"), snapshot("sendrecv 7/1/1"))
    assert steps == [
        "Session.streamCreated says that a stream of somebody else arrived: one receive stream more.",
        "Connections/send streams/receive streams were 1/0/0, so 1/0/1 should follow, but 7/1/1 is declared:"
        " connections 7 instead of 1, send streams 1 instead of 0.",
        "Counters 7/1/1 mean sendrecv: sendrecv agrees.",
    ]


def test_an_edge_whose_guard_does_not_hold_is_named_with_it() -> None:
    steps = reasoning("it", "send_destroyed", snapshot("sendrecv 2/2/1"), snapshot("receiving 2/1/1"))
    assert steps[2:] == [
        "The diagram has the edge sendrecv → receiving (with no send stream left) for such an event, but that is not so"
        " here.",
        "Counters 2/1/1 mean sendrecv: receiving contradicts them.",
    ]


def test_where_the_diagram_leads_instead_is_told() -> None:
    steps = reasoning("it", "send_created", snapshot("starting 2/0/1"), snapshot("sendrecv 2/1/1"))
    assert steps[2] == "The diagram leads from starting with such an event to sending, not to sendrecv."
