"""What holds for every room and every sequence of inputs, whatever the clocks do."""

from collections import defaultdict
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from state_machine.decide import decide
from state_machine.evolve import evolve, forget
from state_machine.facts import NO_SNAPSHOT, Fact, Snapshot
from state_machine.inputs import Input
from state_machine.room import Room
from state_machine.vocabulary import CLOSE_REASONS, FACTS, FAMILIES, UNPUBLISH_REASONS, VERDICTS
from tests.state_machine.builders import RULES, Played
from tests.state_machine.drawing import jumping_logs, logs, room_kinds

thorough = settings(deadline=None, max_examples=120)
MOVES_NOTHING = {"open_refused", "refresh_refused", "close_refused", "ignored", "domains_logged", "room_updated"}


def stays_of(facts: list[Fact]) -> list[list[Fact]]:
    """Return the facts of each stay, in order, stays of one session in order."""
    stays: dict[tuple[str, int], list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.opened_at_ms:
            stays[fact.session_id, fact.opened_at_ms].append(fact)
    return list(stays.values())


def played_all(room_kind: str, log: list[Input]) -> Played:
    room = Played(Room(room_kind, "r"))
    for item in log:
        room.take(item)
    return room


def snapshots(room: Room) -> dict[str, tuple[Snapshot, int, int, int, int]]:
    return {
        name: (each.snapshot, each.since_ms, each.opened_at_ms, each.lease_ends_at_ms, each.closed_at_ms)
        for name, each in room.sessions.items()
    }


@thorough
@given(room_kinds, jumping_logs)
def test_every_input_has_one_answer_last_and_consequences_numbered_from_one(room_kind: str, log: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for item in log:
        facts = room.take(item)
        assert [fact.index for fact in facts] == [*range(1, len(facts)), 0]


@thorough
@given(room_kinds, jumping_logs)
def test_facts_speak_the_vocabulary(room_kind: str, log: list[Input]) -> None:
    for fact in played_all(room_kind, log).facts:
        assert fact.name in FACTS
        assert fact.family in FAMILIES
        assert (fact.verdict in VERDICTS) == (fact.name == "status_judged")
        if fact.name == "session_closed":
            assert fact.reason in CLOSE_REASONS
        if fact.name == "stream_unpublished":
            assert fact.reason in UNPUBLISH_REASONS


@thorough
@given(room_kinds, jumping_logs)
def test_deciding_changes_nothing_and_decides_the_same_again(room_kind: str, log: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for item in log:
        before = deepcopy(room.room)
        assert decide(room.room, item, RULES) == decide(room.room, item, RULES)
        assert room.room == before
        room.take(item)


@thorough
@given(room_kinds, jumping_logs, st.integers(0, 60))
def test_replay_is_a_fold(room_kind: str, log: list[Input], split: int) -> None:
    room = played_all(room_kind, log)
    replayed = Room(room_kind, "r")
    for fact in room.facts[:split]:
        evolve(replayed, fact)
    resumed = deepcopy(replayed)
    for fact in room.facts[split:]:
        evolve(resumed, fact)
    assert resumed == room.room


@thorough
@given(room_kinds, jumping_logs)
def test_what_answers_no_or_only_notes_leaves_every_session_as_it_was(room_kind: str, log: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for item in log:
        for fact in decide(room.room, item, RULES):
            before = snapshots(room.room)
            evolve(room.room, fact)
            if fact.name in MOVES_NOTHING:
                assert snapshots(room.room) == before


@thorough
@given(room_kinds, jumping_logs)
def test_a_snapshot_changes_only_where_a_status_moves_it(room_kind: str, log: list[Input]) -> None:
    for stay in stays_of(played_all(room_kind, log).facts):
        snapshot, since_ms = NO_SNAPSHOT, stay[0].at_ms
        assert stay[0].name == "session_opened"
        for fact in stay:
            assert (fact.before, fact.since_ms) == (snapshot, since_ms)
            assert not fact.moved or fact.name in ("session_opened", "status_judged")
            if fact.moved:
                since_ms = fact.at_ms if fact.declared.state != snapshot.state else since_ms
                snapshot = fact.declared


@thorough
@given(room_kinds, jumping_logs)
def test_durations_are_never_negative_when_clocks_jump(room_kind: str, log: list[Input]) -> None:
    for stay in stays_of(played_all(room_kind, log).facts):
        times_ms = [fact.at_ms for fact in stay]
        assert times_ms == sorted(times_ms)
        assert all(fact.opened_at_ms <= fact.since_ms <= fact.at_ms for fact in stay)


@thorough
@given(room_kinds, jumping_logs)
def test_a_stay_is_one_opening_to_one_closing_and_stays_of_a_session_do_not_overlap(
    room_kind: str, log: list[Input]
) -> None:
    ended_ms: dict[str, int] = {}
    for stay in stays_of(played_all(room_kind, log).facts):
        session_id = stay[0].session_id
        assert stay[0].opened_at_ms > ended_ms.get(session_id, 0)
        assert [fact.name for fact in stay].count("session_opened") == 1
        closings = [fact.at_ms for fact in stay if fact.name == "session_closed"]
        assert len(closings) <= 1
        ended_ms[session_id] = closings[0] if closings else 1 << 62
        assert len({fact.user_id for fact in stay}) == 1


@thorough
@given(room_kinds, jumping_logs)
def test_nobody_stays_inside_whose_lease_is_over(room_kind: str, log: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for item in log:
        room.take(item)
        live = [each for each in room.room.sessions.values() if each.closed_at_ms == 0 and each.lease_ends_at_ms]
        assert all(each.lease_ends_at_ms > item.received_at_ms for each in live)
        assert all(each.lease_ends_at_ms >= room.room.next_lease_end_ms for each in live)


@thorough
@given(jumping_logs)
def test_an_opening_never_brings_more_inside_than_the_seats_rule_allows(log: list[Input]) -> None:
    room = Played()
    for item in log:
        answer = room.answer(item)
        if answer.name != "session_opened":
            continue
        live = [each for each in room.room.sessions.values() if each.closed_at_ms == 0]
        seats = [size for size in (room.room.max_size, *(each.client_max_size for each in live)) if size > 0]
        assert len(live) <= min(seats, default=len(live))
        others = [each.client_max_size for each in live if each.session_id != item.session]
        bounds = [size for size in (room.room.max_size, *others) if size > 0]
        if bounds and room.room.owner not in {"", *(each.user_id for each in live)}:
            assert len(live) < min(bounds)


@thorough
@given(room_kinds, jumping_logs, st.data())
def test_a_command_of_the_same_id_adds_nothing(room_kind: str, log: list[Input], data: st.DataObject) -> None:
    room = Played(Room(room_kind, "r"))
    commands = [item for item in log if item.kind != "status"]
    for number, item in enumerate(commands):
        item.id = str(number)
        first = room.answer(item)
        again = commands[data.draw(st.integers(0, number))]
        before = deepcopy(room.room)
        repeated = decide(room.room, Input(again.kind, item.received_at_ms, session=again.session, id=again.id), RULES)
        assert [(fact.name, fact.reason) for fact in repeated] == [("ignored", "duplicate")]
        assert repeated[0].repeats is room.room.answers[again.id]
        assert again is not item or repeated[0].repeats is first
        evolve(room.room, repeated[0])
        assert room.room == before


@thorough
@given(room_kinds, jumping_logs)
def test_a_status_of_the_same_id_moves_nothing(room_kind: str, log: list[Input]) -> None:
    room = Played(Room(room_kind, "r"))
    for number, item in enumerate(log):
        item.id = str(number) if item.kind == "status" else ""
        first = room.answer(item)
        if first.opened_at_ms and item.kind == "status":
            before = deepcopy(room.room)
            assert room.answer(item).verdict == "duplicate"
            assert room.room == before


@thorough
@given(room_kinds, jumping_logs)
def test_other_rooms_between_change_nothing(room_kind: str, log: list[Input]) -> None:
    alone = {name: played_all(room_kind, [item for item in log if item.room == name]) for name in ("r", "q")}
    between = {name: Played(Room(room_kind, "r")) for name in ("r", "q")}
    for item in log:
        between[item.room].take(item)
    assert {name: room.facts for name, room in between.items()} == {name: room.facts for name, room in alone.items()}


@thorough
@given(room_kinds, logs, st.sets(st.integers(0, 30)))
def test_deciding_does_not_depend_on_what_was_forgotten(room_kind: str, log: list[Input], turns: set[int]) -> None:
    keeping, forgetting = Played(Room(room_kind, "r")), Played(Room(room_kind, "r"))
    for turn, item in enumerate(log):
        if turn in turns:
            forget(forgetting.room, item.received_at_ms, RULES)
        assert forgetting.take(item) == keeping.take(item)


@thorough
@given(room_kinds, jumping_logs, st.integers(0, 60_000))
def test_deciding_does_not_depend_on_what_the_slowest_clock_forgot(
    room_kind: str, log: list[Input], skew_ms: int
) -> None:
    keeping, forgetting = Played(Room(room_kind, "r")), Played(Room(room_kind, "r"))
    fastest_ms = 0
    for turn, item in enumerate(log):
        fastest_ms = max(fastest_ms, item.received_at_ms)
        item.received_at_ms = fastest_ms - (turn * 7_919) % (skew_ms + 1)
        forget(forgetting.room, fastest_ms - skew_ms, RULES)
        assert forgetting.take(item) == keeping.take(item)
