"""Applying one decided fact to the room that it is about, in place.

Makes no choices: whatever `decide` returned can be applied, in its order. Constant work for each fact but for the
rare look at all leases when the earliest has passed. Source: design section 5.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from state_machine.endings import is_use
from state_machine.facts import Fact
from state_machine.leases import is_forgotten
from state_machine.publications import publication_of
from state_machine.room import NEVER_MS, Room, Rules, Session

STATUS_IDS_KEPT: Final = 32
ANSWERS_KEPT: Final = 128


def evolve(room: Room, fact: Fact) -> None:
    """Change the room as the fact says."""
    apply = _APPLY.get(fact.name)
    if apply is not None:
        apply(room, fact)
    if fact.command_id:
        remember_answer(room, fact.command_id, fact)
    if fact.index == 0 and fact.at_ms >= room.next_lease_end_ms:
        room.next_lease_end_ms = _earliest_lease_end(room)


def remember_answer(room: Room, command_id: str, fact: Fact) -> None:
    """Keep the answer to a command with an id, and as many before it as are kept."""
    if not room.answers:
        room.answers = {}
    room.answers[command_id] = fact
    if len(room.answers) > ANSWERS_KEPT:
        del room.answers[next(iter(room.answers))]


def forget(room: Room, now_ms: int, rules: Rules) -> None:
    """Drop sessions closed longer ago than anything is decided by.

    Units: `now_ms` is received time.  Guarantees: inputs received at `now_ms` or later are decided as if nothing had
    been forgotten; whoever has several clocks passes the slowest one's.
    """
    old = [session.session_id for session in room.sessions.values() if is_forgotten(room, session, now_ms, rules)]
    for session_id in old:
        del room.sessions[session_id]


def _earliest_lease_end(room: Room) -> int:
    ends = (
        session.lease_ends_at_ms
        for session in room.sessions.values()
        if session.closed_at_ms == 0 and session.lease_ends_at_ms
    )
    of_sessions_ms = min(ends, default=NEVER_MS)
    return min(of_sessions_ms, room.publication.lease_ends_at_ms or NEVER_MS) if room.publication else of_sessions_ms


def _stay_of(room: Room, fact: Fact) -> Session | None:
    """Return the session if the fact is about the stay that the room holds."""
    session = room.sessions.get(fact.session_id)
    return session if session is not None and session.opened_at_ms == fact.opened_at_ms else None


def _judged(room: Room, fact: Fact) -> None:
    session = room.sessions.get(fact.session_id)
    if session is None or session.opened_at_ms != fact.opened_at_ms:
        return
    session.at_ms = at_ms = fact.at_ms
    _, declared, _, verdict, moved = fact.step
    if moved:
        if declared.state != session.snapshot.state:
            session.since_ms = at_ms
        session.snapshot = declared
    if fact.seq:
        session.seq = fact.seq
    if fact.status_id and verdict != "duplicate":
        session.recent_ids = (*session.recent_ids[-STATUS_IDS_KEPT + 1 :], fact.status_id)
    if fact.lease_ends_at_ms:
        _renew(room, session, fact.lease_ends_at_ms)


def _opened(room: Room, fact: Fact) -> None:
    extra = fact.extra
    session = Session(
        fact.session_id,
        fact.user_id,
        fact.opened_at_ms,
        fact.at_ms,
        since_ms=fact.at_ms,
        lease_ms=extra.get("lease_ms", 0),
        implicit=extra.get("implicit", False),
        client_max_size=extra.get("client_max_size", 0),
        device_type=extra.get("device_type", ""),
    )
    # Sessions stand in the order of their openings, so that a room restored from its rows has the same order.
    room.sessions.pop(fact.session_id, None)
    room.sessions[fact.session_id] = session
    _use(room, fact)
    if fact.lease_ends_at_ms:
        _renew(room, session, fact.lease_ends_at_ms)


def _refreshed(room: Room, fact: Fact) -> None:
    session = _stay_of(room, fact)
    if session is None:
        return
    session.at_ms = fact.at_ms
    session.client_max_size = fact.extra.get("client_max_size", session.client_max_size)
    _use(room, fact)
    if fact.lease_ends_at_ms:
        _renew(room, session, fact.lease_ends_at_ms)


def _use(room: Room, fact: Fact) -> None:
    if is_use(fact):
        room.used_at_ms = max(room.used_at_ms, fact.at_ms)


def _renew(room: Room, session: Session, lease_ends_at_ms: int) -> None:
    session.lease_ends_at_ms = lease_ends_at_ms
    if lease_ends_at_ms < room.next_lease_end_ms:  # noqa: PLR1730  # a call of min costs three times as much
        room.next_lease_end_ms = lease_ends_at_ms


def _closed(room: Room, fact: Fact) -> None:
    session = _stay_of(room, fact)
    if session is None:
        return
    session.at_ms = fact.at_ms
    session.closed_at_ms = fact.at_ms
    session.close_reason = fact.reason
    _use(room, fact)


def _touched(room: Room, fact: Fact) -> None:
    session = _stay_of(room, fact)
    if session is not None:
        session.at_ms = fact.at_ms


def _created(room: Room, fact: Fact) -> None:
    room.created_at_ms = fact.at_ms
    room.deleted_at_ms = 0
    _updated(room, fact)


def _updated(room: Room, fact: Fact) -> None:
    room.said_at_ms = fact.at_ms
    _take_attributes(room, fact.extra)


def _take_attributes(room: Room, extra: dict[str, Any]) -> None:
    # What an operator erased from the rows is as if it had never been said.
    room.owner = extra.get("owner", "")
    room.max_size = extra.get("max_size", 0)
    room.expires_at_ms = extra.get("expires_at_ms", 0)
    room.attributes = {
        name: value for name, value in extra.items() if name not in ("owner", "max_size", "expires_at_ms")
    }


def _deleted(room: Room, fact: Fact) -> None:
    room.deleted_at_ms = fact.at_ms


def _published(room: Room, fact: Fact) -> None:
    room.publication = publication_of(fact)
    if room.publication.lease_ends_at_ms:
        room.next_lease_end_ms = min(room.next_lease_end_ms, room.publication.lease_ends_at_ms)


def _unpublished(room: Room, _fact: Fact) -> None:
    room.publication = None


_APPLY: Final[Mapping[str, Callable[[Room, Fact], None]]] = {
    "status_judged": _judged,
    "session_opened": _opened,
    "session_refreshed": _refreshed,
    "session_closed": _closed,
    "refresh_refused": _touched,
    "close_refused": _touched,
    "domains_logged": _touched,
    "ignored": _touched,
    "room_created": _created,
    "room_updated": _updated,
    "room_deleted": _deleted,
    "stream_published": _published,
    "stream_unpublished": _unpublished,
}
