"""Deciding a status: what the session's history says of it first, then the judgement of its snapshot.

Precedence: `duplicate`, `late`, `after_close`, then `judge`. A status of a session that nobody opened opens it
implicitly, unless the input may not. Source: design section 4 with its settled details.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from state_machine.facts import INITIAL, NO_EXTRA, NO_SNAPSHOT, OPENING, Fact, Snapshot, Step
from state_machine.families import family_of
from state_machine.inputs import Input
from state_machine.judge import judge
from state_machine.leases import lease_end, remembered
from state_machine.openings import opened_at
from state_machine.room import Room, Rules, Session
from state_machine.vocabulary import STATES

COUNTER_MAX: Final = (1 << 32) - 1
"""Counters above this are stored as this."""
JUDGED_KEPT: Final = 8192
"""So many judgements are remembered, those that came up last: calls take the same few hundred steps all the time."""

_STATES: Final = frozenset(STATES)
_UNCOUNTED: Final = frozenset({"duplicate", "late"})
"""Verdicts of statuses whose sequence number is no news."""


class Judged(NamedTuple):
    """A judgement as a fact carries it."""

    step: Step
    reason: str


def decide_status(room: Room, item: Input, rules: Rules, first_index: int) -> list[Fact]:
    """Return the facts of one status, its judgement last; consequences are numbered from `first_index`."""
    received_at_ms = item.received_at_ms
    session = remembered(room, item.session, received_at_ms, rules)
    if session is None:
        if item.implicit:
            return _open_and_judge(room, item, rules, first_index)
        return [_of_no_session(item)]
    step, reason = judged_in_session(session, item)
    is_extended = session.implicit and session.closed_at_ms == 0 and step.verdict != "duplicate"
    return [
        Fact(
            "status_judged",
            0,
            received_at_ms if received_at_ms > session.at_ms else session.at_ms,
            session.session_id,
            session.user_id,
            session.opened_at_ms,
            step,
            session.since_ms,
            reason,
            lease_end(received_at_ms, session.lease_ms) if is_extended else 0,
            item.id,
            0 if step.verdict in _UNCOUNTED else item.seq,
            NO_EXTRA,
        )
    ]


def judged_in_session(session: Session, item: Input) -> Judged:
    """Return the judgement with the session's history taken into account."""
    if item.id and item.id in session.recent_ids:
        return _unmoved(session.snapshot, item, "duplicate", "")
    if item.seq and item.seq <= session.seq:
        return _unmoved(session.snapshot, item, "late", "")
    if session.closed_at_ms:
        return _unmoved(session.snapshot, item, "after_close", session.close_reason)
    return judged_after(session.snapshot, item)


def judged_after(before: Snapshot, item: Input) -> Judged:
    """Return the judgement of a status that comes after the snapshot."""
    family = family_of(item.event)
    if item.state not in _STATES:  # could be of any length, and is judged at once
        return _judged(before, family, declared_by(item))
    return _remembered_judged(before, family, item.state, item.connections, item.send_streams, item.recv_streams)


@lru_cache(JUDGED_KEPT)
def _remembered_judged(before: Snapshot, family: str, state: str, *counters: int) -> Judged:
    return _judged(before, family, _snapshot(state, *counters))


def _judged(before: Snapshot, family: str, declared: Snapshot) -> Judged:
    verdict, reason, moved = judge(before, family, declared)
    return Judged(Step(before, declared, family, verdict, moved), reason)


def _unmoved(before: Snapshot, item: Input, verdict: str, reason: str) -> Judged:
    return Judged(Step(before, declared_by(item), family_of(item.event), verdict), reason)


def declared_by(item: Input) -> Snapshot:
    """Return the snapshot that the status declares."""
    return _snapshot(item.state, item.connections, item.send_streams, item.recv_streams)


def _snapshot(state: str, *counters: int) -> Snapshot:
    return Snapshot(state, *(min(counter, COUNTER_MAX) for counter in counters))


def _of_no_session(item: Input) -> Fact:
    step, reason = _unmoved(NO_SNAPSHOT, item, "after_close", "unknown_session")
    return Fact(
        "status_judged",
        0,
        item.received_at_ms,
        item.session,
        item.user,
        step=step,
        reason=reason,
        status_id=item.id,
    )


def _open_and_judge(room: Room, item: Input, rules: Rules, index: int) -> list[Fact]:
    at_ms = opened_at(room, item)
    lease_ms = rules.call_lease_ms
    ends_at_ms = lease_end(item.received_at_ms, lease_ms)
    step, reason = judged_after(INITIAL, item)
    opened = Fact(
        "session_opened",
        index,
        at_ms,
        item.session,
        item.user,
        at_ms,
        OPENING,
        at_ms,
        "implicit",
        ends_at_ms,
        extra={"implicit": True, "lease_ms": lease_ms},
    )
    judged = Fact(
        "status_judged",
        0,
        at_ms,
        item.session,
        item.user,
        at_ms,
        step,
        at_ms,
        reason,
        ends_at_ms,
        item.id,
        item.seq,
    )
    return [opened, judged]
