"""What a session's history says of a status: duplicate, late, after its close, implicit; and what a status leaves."""

import pytest

from state_machine.evolve import STATUS_IDS_KEPT
from state_machine.facts import INITIAL, NO_SNAPSHOT, Fact, Step
from state_machine.inputs import Input
from state_machine.statuses import COUNTER_MAX
from tests.state_machine.builders import LEASE_MS, RULES, T0_MS, command, played, snapshot, status, told

OPENED = command("open", "a", user="u")


def verdict(fact: Fact) -> tuple[str, str, bool]:
    return fact.verdict, fact.reason, fact.moved


def test_a_status_carries_what_was_and_what_was_declared() -> None:
    room = played(OPENED, status(at=1_000))
    fact = room.answer(status(at=3_000, event="PUBLISHER.STREAMCREATED", declared="sending 1/1/0", seq=4, id="i"))
    assert fact == Fact(
        "status_judged",
        0,
        T0_MS + 3_000,
        session_id="a",
        user_id="u",
        opened_at_ms=T0_MS,
        step=Step(
            before=snapshot("waiting 1/0/0"),
            declared=snapshot("sending 1/1/0"),
            family="send_created",
            verdict="implied",
            moved=True,
        ),
        since_ms=T0_MS + 1_000,
        status_id="i",
        seq=4,
    )


def test_a_moving_status_makes_its_declaration_the_snapshot() -> None:
    room = played(
        OPENED, status(at=1_000), status(at=2_000, declared="waiting 2/0/0", event="session.connectioncreated")
    )
    session = room.session()
    assert (session.snapshot, session.since_ms, session.at_ms) == (
        snapshot("waiting 2/0/0"),
        T0_MS + 1_000,
        T0_MS + 2_000,
    )


def test_a_violation_that_does_not_move_keeps_the_snapshot_but_says_what_was_declared() -> None:
    room = played(OPENED, status())
    fact = room.answer(status(at=5, event="Publisher.streamCreated", declared="receiving 1/1/0"))
    assert verdict(fact) == ("violation", "state_disagrees", False)
    assert (fact.before, fact.declared) == (snapshot("waiting 1/0/0"), snapshot("receiving 1/1/0"))
    assert room.session().snapshot == snapshot("waiting 1/0/0")


def test_a_counter_jump_resynchronises() -> None:
    room = played(OPENED, status(declared="starting 7/0/0"))
    assert room.session().snapshot == snapshot("starting 7/0/0")
    assert verdict(room.answer(status(declared="starting 8/0/0"))) == ("steady", "", True)


def test_an_id_seen_before_in_the_stay_is_a_duplicate_whatever_else_it_says() -> None:
    room = played(OPENED, status(id="i", seq=9))
    assert verdict(room.answer(status(id="i", seq=3, declared="strange 0/0/0"))) == ("duplicate", "", False)
    assert verdict(room.answer(status(session="b", id="i"))) == ("diagram", "", True)


def test_the_last_ids_of_a_stay_are_remembered_and_no_more() -> None:
    room = played(
        OPENED, *(status(id=str(number), event="x", declared="init 0/0/0") for number in range(STATUS_IDS_KEPT))
    )
    assert room.answer(status(id="0", event="x", declared="init 0/0/0")).verdict == "duplicate"
    assert room.answer(status(id="one more", event="x", declared="init 0/0/0")).verdict == "notice"
    assert room.answer(status(id="1", event="x", declared="init 0/0/0")).verdict == "duplicate"
    assert room.answer(status(id="0", event="x", declared="init 0/0/0")).verdict == "notice"
    assert len(room.session().recent_ids) == STATUS_IDS_KEPT


def test_statuses_without_an_id_are_never_duplicates() -> None:
    room = played(OPENED, status())
    assert room.answer(status(declared="starting 2/0/0")).verdict == "diagram"
    assert room.session().recent_ids == ()


def test_a_sequence_number_not_above_the_highest_is_late() -> None:
    room = played(OPENED, status(seq=5))
    for seq in (5, 4, 1):
        fact = room.answer(status(seq=seq, declared="starting 2/0/0"))
        assert (verdict(fact), fact.seq) == (("late", "", False), 0)
    assert room.answer(status(declared="starting 2/0/0")).verdict == "diagram"
    assert room.answer(status(seq=6, event="x", declared="starting 2/0/0")).verdict == "notice"


def test_a_late_status_has_been_seen() -> None:
    room = played(OPENED, status(seq=5), status(seq=1, id="i"))
    assert room.answer(status(seq=6, id="i")).verdict == "duplicate"


def test_a_violation_raises_the_sequence_number_and_a_duplicate_does_not() -> None:
    room = played(OPENED, status(seq=1, id="i"), status(seq=5, declared="strange 0/0/0"), status(seq=9, id="i"))
    assert room.session().seq == 5


@pytest.mark.parametrize("ending", [command("close", "a", at=1_000), command("kill", "a", at=1_000)])
def test_a_status_after_the_closing_is_judged_so_for_as_long_as_closings_are_remembered(ending: Input) -> None:
    room = played(OPENED, ending)
    memory_ms = 1_000 + RULES.closed_memory_ms
    fact = room.answer(status(at=memory_ms))
    assert verdict(fact) == ("after_close", room.session().close_reason, False)
    assert (fact.opened_at_ms, fact.before, fact.user_id) == (T0_MS, INITIAL, "u")
    assert told(room.take(status(at=memory_ms + 1))) == [
        (1, "session_opened", "a", "implicit"),
        (0, "status_judged", "a", ""),
    ]


def test_history_takes_precedence_over_the_closing() -> None:
    room = played(OPENED, status(seq=3, id="i"), command("close", "a"))
    assert room.answer(status(id="i")).verdict == "duplicate"
    assert room.answer(status(seq=3)).verdict == "late"
    assert room.answer(status(seq=4, id="j")).verdict == "after_close"
    assert room.answer(status(seq=4)).verdict == "late"
    assert room.answer(status(id="j")).verdict == "duplicate"


def test_an_expired_session_is_remembered_from_its_lease_end_on_whenever_that_was_noticed() -> None:
    over_ms = LEASE_MS + RULES.closed_memory_ms
    room = played(OPENED)
    facts = room.take(status(at=over_ms))
    assert told(facts) == [(1, "session_closed", "a", "expired"), (0, "status_judged", "a", "expired")]
    assert facts[-1].verdict == "after_close"
    later = played(OPENED)
    assert told(later.take(status(at=over_ms + 1))) == [
        (1, "session_closed", "a", "expired"),
        (2, "session_opened", "a", "implicit"),
        (0, "status_judged", "a", ""),
    ]


def test_a_status_of_nobody_opens_a_stay_and_is_judged_in_it() -> None:
    opened, judged = played().take(status(at=7, user="u", id="i", seq=2))
    assert (opened.index, opened.name, opened.reason, opened.moved) == (1, "session_opened", "implicit", True)
    assert (opened.declared, opened.before, opened.extra) == (
        INITIAL,
        NO_SNAPSHOT,
        {"implicit": True, "lease_ms": LEASE_MS},
    )
    assert (judged.verdict, judged.before, judged.since_ms) == ("diagram", INITIAL, T0_MS + 7)
    for fact in (opened, judged):
        assert (fact.at_ms, fact.opened_at_ms, fact.user_id) == (T0_MS + 7, T0_MS + 7, "u")
        assert fact.lease_ends_at_ms == T0_MS + 7 + LEASE_MS


def test_an_implicit_stay_knows_the_id_and_the_number_that_opened_it() -> None:
    room = played(status(id="i", seq=2))
    assert room.answer(status(id="i")).verdict == "duplicate"
    assert room.answer(status(seq=2)).verdict == "late"


def test_a_status_that_may_not_open_is_of_an_unknown_session() -> None:
    room = played()
    fact = room.answer(status(implicit=False, user="u", id="i", seq=3, declared="sending 1/1/0"))
    assert verdict(fact) == ("after_close", "unknown_session", False)
    assert (fact.opened_at_ms, fact.before, fact.user_id, fact.seq) == (0, NO_SNAPSHOT, "u", 0)
    assert fact.declared == snapshot("sending 1/1/0")
    assert not room.room.sessions


def test_a_status_that_may_not_open_is_of_an_unknown_session_once_the_closing_is_forgotten() -> None:
    room = played(OPENED, command("close", "a"))
    assert room.answer(status(at=RULES.closed_memory_ms, implicit=False)).reason == "left"
    assert room.answer(status(at=RULES.closed_memory_ms + 1, implicit=False)).reason == "unknown_session"


def test_the_statuses_of_an_implicit_session_extend_its_lease_except_duplicates() -> None:
    room = played(status(seq=5, id="i"))
    for at, item in (
        (1_000, status(at=1_000)),
        (2_000, status(at=2_000, seq=1)),
        (3_000, status(at=3_000, declared="? 0/0/0")),
    ):
        assert room.answer(item).lease_ends_at_ms == T0_MS + at + LEASE_MS
        assert room.session().lease_ends_at_ms == T0_MS + at + LEASE_MS
    assert room.answer(status(at=4_000, id="i")).lease_ends_at_ms == 0
    assert room.session().lease_ends_at_ms == T0_MS + 3_000 + LEASE_MS


def test_the_statuses_of_an_explicit_session_do_not_extend_its_lease() -> None:
    room = played(OPENED, status(at=1_000))
    assert room.facts[-1].lease_ends_at_ms == 0
    assert room.session().lease_ends_at_ms == T0_MS + LEASE_MS


def test_a_status_after_the_close_of_an_implicit_session_extends_nothing() -> None:
    room = played(status(), command("close", "a"))
    assert room.answer(status(at=5)).lease_ends_at_ms == 0


def test_counters_above_the_column_are_stored_as_its_largest_value() -> None:
    fact = played().answer(status(declared=f"sendrecv {COUNTER_MAX + 1}/{COUNTER_MAX}/{10**30}"))
    assert fact.declared == ("sendrecv", COUNTER_MAX, COUNTER_MAX, COUNTER_MAX)
    fact = played().answer(status(declared=f"sending 1/{COUNTER_MAX + 1}/0"))
    assert fact.declared == ("sending", 1, COUNTER_MAX, 0)


def test_a_clock_that_steps_back_does_not_take_the_stay_back() -> None:
    room = played(OPENED, status(at=5_000), status(at=2_000, declared="starting 2/0/0"))
    session = room.session()
    assert (session.at_ms, session.since_ms) == (T0_MS + 5_000, T0_MS + 5_000)
