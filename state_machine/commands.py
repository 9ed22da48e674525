"""Commands on sessions and rooms other than openings: refresh, close, kill, expire, room_*, register, …

Every decider here gets the room with expired leases already closed, the number of the first consequence, and returns
facts in the order in which they apply, the answer last. Source: design section 5.
"""

from typing import Any

from state_machine.endings import exists
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.leases import about, barred_until_ms, closing, is_live, remembered
from state_machine.openings import refreshed
from state_machine.room import Room, Rules, Session


def decide_refresh(room: Room, item: Input, rules: Rules, _first_index: int) -> list[Fact]:
    """Renew a live session's lease."""
    session = room.sessions.get(item.session)
    if session is not None and is_live(session):
        return [refreshed(session, item, "")]
    return [_session_refusal("refresh_refused", room, item, rules)]


def decide_close(room: Room, item: Input, rules: Rules, _first_index: int) -> list[Fact]:
    """End a live session because its client left."""
    session = room.sessions.get(item.session)
    if session is not None and is_live(session):
        return [closing(session, 0, item.received_at_ms, "left")]
    return [_session_refusal("close_refused", room, item, rules)]


def decide_kill(room: Room, item: Input, rules: Rules, first_index: int) -> list[Fact]:
    """End one live session, or all of the room where none is named."""
    if item.session:
        named = room.sessions.get(item.session)
        sessions = [named] if named is not None and is_live(named) else []
    else:
        sessions = [session for session in room.sessions.values() if is_live(session)]
    if not sessions:
        return [_session_refusal("close_refused", room, item, rules)]
    answered, *others = sessions
    return [
        *_close_all(others, item, "killed", first_index),
        closing(answered, 0, item.received_at_ms, "killed"),
    ]


def decide_expire(room: Room, item: Input, rules: Rules, _first_index: int) -> list[Fact]:
    """Say that there was nothing to expire; what was over has been closed already, see `decide`.

    Without a session it asks about the room's publication.
    """
    if not item.session and room.publication is not None:
        return [ignored(item, "lease_renewed")]
    session = remembered(room, item.session, item.received_at_ms, rules)
    if session is None:
        is_of_stream = room.room_kind == "stream" and not item.session
        return [ignored(item, "not_published" if is_of_stream else "unknown_session")]
    reason = "lease_renewed" if is_live(session) else "already_closed"
    return [about(session, "ignored", 0, item.received_at_ms, reason)]


def decide_room_create(room: Room, item: Input, _rules: Rules, _first_index: int) -> list[Fact]:
    """Create the room, or create it anew after it was deleted or has ended."""
    if exists(room, item.received_at_ms):
        return [ignored(item, "room_exists")]
    extra = {**item.extra, **_room_members(item.user, item.max_size, item.expires_at_ms)}
    return [Fact("room_created", 0, item.received_at_ms, user_id=item.user, extra=extra)]


def decide_room_update(room: Room, item: Input, _rules: Rules, _first_index: int) -> list[Fact]:
    """Change what the input names of the room's attributes; the rest stays."""
    if not exists(room, item.received_at_ms):
        return [ignored(item, "unknown_room")]
    members = _room_members(room.owner, item.max_size or room.max_size, item.expires_at_ms or room.expires_at_ms)
    extra = {**room.attributes, **item.extra, **members}
    return [Fact("room_updated", 0, item.received_at_ms, user_id=item.user, extra=extra)]


def decide_room_delete(room: Room, item: Input, _rules: Rules, first_index: int) -> list[Fact]:
    """Delete the room and end everybody's stay in it."""
    if not exists(room, item.received_at_ms):
        return [ignored(item, "unknown_room")]
    live = [session for session in room.sessions.values() if is_live(session)]
    deleted = Fact("room_deleted", 0, item.received_at_ms, user_id=item.user, extra=dict(item.extra))
    return [*_close_all(live, item, "room_deleted", first_index), deleted]


def decide_log_domains(room: Room, item: Input, rules: Rules, _first_index: int) -> list[Fact]:
    """Note the domains that a live session visited."""
    session = remembered(room, item.session, item.received_at_ms, rules)
    if session is None:
        return [ignored(item, "unknown_session")]
    if not is_live(session):
        return [about(session, "ignored", 0, item.received_at_ms, session.close_reason)]
    noted = about(session, "domains_logged", 0, item.received_at_ms, "")
    noted.extra = dict(item.extra)
    return [noted]


def decide_register(_room: Room, item: Input, _rules: Rules, _first_index: int) -> list[Fact]:
    """Note a user and what its sealed key is."""
    return [Fact("user_registered", 0, item.received_at_ms, user_id=item.user, extra=dict(item.extra))]


def ignored(item: Input, reason: str) -> Fact:
    """Return the answer to an input that changes nothing."""
    return Fact("ignored", 0, item.received_at_ms, session_id=item.session, user_id=item.user, reason=reason)


def _session_refusal(name: str, room: Room, item: Input, rules: Rules) -> Fact:
    session = remembered(room, item.session, item.received_at_ms, rules)
    if session is None:
        fact = ignored(item, "unknown_session")
        fact.name = name
        return fact
    fact = about(session, name, 0, item.received_at_ms, session.close_reason)
    until_ms = barred_until_ms(room, session)
    if until_ms > item.received_at_ms:
        fact.extra = {"barred_until_ms": until_ms}
    return fact


def _close_all(sessions: list[Session], item: Input, reason: str, first_index: int) -> list[Fact]:
    return [closing(session, index, item.received_at_ms, reason) for index, session in enumerate(sessions, first_index)]


def _room_members(owner: str, max_size: int, expires_at_ms: int) -> dict[str, Any]:
    return {"owner": owner, "max_size": max_size, "expires_at_ms": expires_at_ms}
