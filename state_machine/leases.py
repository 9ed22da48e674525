"""Leases: which sessions of a room are live at a received time, and how those close that are not.

A lease is over when an input of its room is received at or after its end. It is counted from received time, never from
a stay's `at`, so that a clock which jumped ahead and came back keeps no session alive. A lease of length 0 never ends.
Source: design section 5.
"""

from dataclasses import replace
from typing import Final

from state_machine.facts import Fact, Step
from state_machine.room import Room, Rules, Session

_ENDINGS_BY_OTHERS: Final = frozenset({"killed", "replaced"})


def is_live(session: Session) -> bool:
    """Tell whether the session has not been closed; its lease may still be found over."""
    return session.closed_at_ms == 0


def has_ended(session: Session, received_at_ms: int) -> bool:
    """Tell whether a live session's lease is over for an input received at the given time."""
    return session.closed_at_ms == 0 and 0 < session.lease_ends_at_ms <= received_at_ms


def lease_end(start_ms: int, lease_ms: int) -> int:
    """Return when a lease that starts now ends; 0 = never."""
    return start_ms + lease_ms if lease_ms else 0


def lease_length(room_kind: str, asked_ms: int, rules: Rules) -> int:
    """Return the length of a new lease: what was asked for, or the room kind's own."""
    if asked_ms:
        return asked_ms
    match room_kind:
        case "account":
            return rules.account_lease_ms
        case "stream":
            return rules.stream_lease_ms
    return rules.call_lease_ms


def closing(session: Session, index: int, at_ms: int, reason: str) -> Fact:
    """Return the fact that ends a live session's stay; `at_ms` is raised to the stay's last `at`."""
    return about(session, "session_closed", index, at_ms, reason)


def about(session: Session, name: str, index: int, at_ms: int, reason: str) -> Fact:
    """Return a fact of the session's stay that judges no status; `at_ms` is raised to the stay's last `at`."""
    return Fact(
        name,
        index,
        max(at_ms, session.at_ms),
        session_id=session.session_id,
        user_id=session.user_id,
        opened_at_ms=session.opened_at_ms,
        step=Step(before=session.snapshot),
        since_ms=session.since_ms,
        reason=reason,
    )


def expired_sessions(room: Room, received_at_ms: int) -> list[Fact]:
    """Return the closings of all leases that are over, each dated at its lease's end; numbered from 1."""
    over = [session for session in room.sessions.values() if has_ended(session, received_at_ms)]
    return [closing(session, index, session.lease_ends_at_ms, "expired") for index, session in enumerate(over, 1)]


def settled(room: Room, closings: list[Fact]) -> Room:
    """Return the room as it is after the closings; the given room stays as it was."""
    sessions = dict(room.sessions)
    publication = room.publication
    for fact in closings:
        if fact.name == "stream_unpublished":
            publication = None
            continue
        session = sessions[fact.session_id]
        sessions[fact.session_id] = replace(
            session, at_ms=fact.at_ms, closed_at_ms=fact.at_ms, close_reason=fact.reason
        )
    return replace(room, sessions=sessions, publication=publication)


def remembered(room: Room, session_id: str, received_at_ms: int, rules: Rules) -> Session | None:
    """Return the session if it is live, was closed within the memory of closings, or is barred.

    Guarantees: for an input received no earlier than what `forget` was told, the answer does not depend on what was
    forgotten.
    """
    session = room.sessions.get(session_id)
    if session is None or session.closed_at_ms == 0:
        return session
    return None if is_forgotten(room, session, received_at_ms, rules) else session


def is_forgotten(room: Room, session: Session, received_at_ms: int, rules: Rules) -> bool:
    """Tell whether the session was closed so long ago that nothing depends on it any more."""
    return (
        not is_live(session)
        and received_at_ms - session.closed_at_ms > rules.closed_memory_ms
        and barred_until_ms(room, session) <= received_at_ms
    )


def barred_until_ms(room: Room, session: Session) -> int:
    """Return until when a session of an account that others ended can't be opened again; 0 = others did not end it.

    That is when its lease would have ended: until then its client is told what happened. Source: contract 8.5.
    """
    if room.room_kind == "account" and session.close_reason in _ENDINGS_BY_OTHERS:
        return session.lease_ends_at_ms
    return 0
