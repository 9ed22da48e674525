"""Deciding a status: what the session's history says of it first, then the judgement of its snapshot.

Precedence: `duplicate`, `late`, `after_close`, then `judge`. A status of a session that nobody opened opens it
implicitly, unless the input may not. Source: design section 4 with its settled details.
"""

from typing import Final

from state_machine.facts import INITIAL, NO_SNAPSHOT, Fact, Snapshot
from state_machine.families import family_of
from state_machine.inputs import Input
from state_machine.judge import Judgement, judge
from state_machine.leases import is_live, lease_end, remembered
from state_machine.openings import opened_at
from state_machine.room import Room, Rules, Session

COUNTER_MAX: Final = (1 << 32) - 1
"""Counters above this are stored as this."""

_DUPLICATE: Final = Judgement("duplicate", "", False)
_LATE: Final = Judgement("late", "", False)


def decide_status(room: Room, item: Input, rules: Rules, first_index: int) -> list[Fact]:
    """Return the facts of one status, its judgement last; consequences are numbered from `first_index`."""
    session = remembered(room, item.session, item.received_at_ms, rules)
    if session is None:
        if item.implicit:
            return _open_and_judge(room, item, rules, first_index)
        return [_of_no_session(item)]
    family = family_of(item.event)
    declared = declared_by(item)
    verdict = judge_in_session(session, item, family, declared)
    at_ms = max(item.received_at_ms, session.at_ms)
    is_extended = session.implicit and is_live(session) and verdict.verdict != "duplicate"
    return [
        Fact(
            "status_judged",
            0,
            at_ms,
            session.session_id,
            session.user_id,
            session.opened_at_ms,
            declared,
            session.snapshot,
            session.since_ms,
            verdict.moved,
            family,
            verdict.verdict,
            verdict.reason,
            lease_end(item.received_at_ms, session.lease_ms) if is_extended else 0,
            status_id=item.id,
            seq=0 if verdict is _DUPLICATE or verdict is _LATE else item.seq,
        )
    ]


def judge_in_session(session: Session, item: Input, family: str, declared: Snapshot) -> Judgement:
    """Return the judgement with the session's history taken into account."""
    if item.id and item.id in session.recent_ids:
        return _DUPLICATE
    if item.seq and item.seq <= session.seq:
        return _LATE
    if not is_live(session):
        return Judgement("after_close", session.close_reason, False)
    return judge(session.snapshot, family, declared)


def declared_by(item: Input) -> Snapshot:
    """Return the snapshot that the status declares."""
    connections, send_streams, recv_streams = item.connections, item.send_streams, item.recv_streams
    if connections > COUNTER_MAX or send_streams > COUNTER_MAX or recv_streams > COUNTER_MAX:
        connections = min(connections, COUNTER_MAX)
        send_streams = min(send_streams, COUNTER_MAX)
        recv_streams = min(recv_streams, COUNTER_MAX)
    return Snapshot(item.state, connections, send_streams, recv_streams)


def _of_no_session(item: Input) -> Fact:
    return Fact(
        "status_judged",
        0,
        item.received_at_ms,
        item.session,
        item.user,
        declared=declared_by(item),
        before=NO_SNAPSHOT,
        family=family_of(item.event),
        verdict="after_close",
        reason="unknown_session",
        status_id=item.id,
    )


def _open_and_judge(room: Room, item: Input, rules: Rules, index: int) -> list[Fact]:
    at_ms = opened_at(room, item)
    lease_ms = rules.call_lease_ms
    ends_at_ms = lease_end(item.received_at_ms, lease_ms)
    family = family_of(item.event)
    declared = declared_by(item)
    verdict, reason, moved = judge(INITIAL, family, declared)
    opened = Fact(
        "session_opened",
        index,
        at_ms,
        item.session,
        item.user,
        at_ms,
        INITIAL,
        since_ms=at_ms,
        moved=True,
        reason="implicit",
        lease_ends_at_ms=ends_at_ms,
        extra={"implicit": True, "lease_ms": lease_ms},
    )
    judged = Fact(
        "status_judged",
        0,
        at_ms,
        item.session,
        item.user,
        at_ms,
        declared,
        INITIAL,
        at_ms,
        moved,
        family,
        verdict,
        reason,
        ends_at_ms,
        status_id=item.id,
        seq=item.seq,
    )
    return [opened, judged]
