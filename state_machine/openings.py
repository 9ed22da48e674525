"""Openings: how a session begins, goes on when it is opened again, or is refused. Source: design section 5."""

from typing import Any, Final

from state_machine.admission import admit, admit_again
from state_machine.endings import has_ended
from state_machine.facts import OPENING, Fact
from state_machine.inputs import Input
from state_machine.leases import about, barred_until_ms, closing, is_live, lease_end, lease_length
from state_machine.replacing import giving_way
from state_machine.room import Room, Rules, Session

_OF_THE_SESSION: Final = frozenset({"implicit", "lease_ms", "client_max_size", "device_type", "replace"})
"""Members of an opening's `extra` that restore the session: a client's own of the same name are left out."""


def opened_at(room: Room, item: Input) -> int:
    """Return when a new stay opens: received, but after whatever an earlier stay under this id has, so no two tie."""
    earlier = room.sessions.get(item.session)
    if earlier is None or item.received_at_ms > earlier.at_ms:
        return item.received_at_ms
    return earlier.at_ms + 1


def decide_open(room: Room, item: Input, rules: Rules, first_index: int) -> list[Fact]:
    """Return the facts of an explicit opening, its answer last.

    A live session that is opened again goes on, with what it says of itself now. Another live session of the same user
    in a call, and in an account what the opening asks to replace, gives way to it.
    """
    if room.deleted_at_ms:
        return [_refused(item, "room_deleted", ())]
    if has_ended(room, item.received_at_ms):
        return [_refused(item, "room_expired", ())]
    session = room.sessions.get(item.session)
    if session is not None and is_live(session):
        refusal = admit_again(room, item, session)
        return [_rejoined(session, item) if refusal is None else _refused(item, *refusal)]
    if session is not None and barred_until_ms(room, session) > item.received_at_ms:
        return [_barred(room, session, item)]
    refusal = admit(room, item, rules)
    if refusal is not None:
        return [_refused(item, *refusal)]
    replaced = [
        closing(other, index, item.received_at_ms, "replaced")
        for index, other in enumerate(giving_way(room, item, rules), first_index)
    ]
    return [*replaced, _opened(room, item, rules)]


def refreshed(session: Session, item: Input, reason: str) -> Fact:
    """Return the answer that renews a live session's lease."""
    fact = about(session, "session_refreshed", 0, item.received_at_ms, reason)
    fact.lease_ends_at_ms = lease_end(item.received_at_ms, session.lease_ms)
    return fact


def _rejoined(session: Session, item: Input) -> Fact:
    fact = refreshed(session, item, "rejoined")
    fact.extra = _kept_of(item)
    return fact


def _kept_of(item: Input) -> dict[str, Any]:
    """Return what an opening says of its client, as the row keeps it."""
    extra: dict[str, Any] = {name: value for name, value in item.extra.items() if name not in _OF_THE_SESSION}
    if item.client_max_size:
        extra["client_max_size"] = item.client_max_size
    if item.replace:
        extra["replace"] = item.replace
    return extra


def _opened(room: Room, item: Input, rules: Rules) -> Fact:
    at_ms = opened_at(room, item)
    lease_ms = lease_length(room.room_kind, item.lease_ms, rules)
    extra = _kept_of(item)
    extra["lease_ms"] = lease_ms
    if item.device_type:
        extra["device_type"] = item.device_type
    return Fact(
        "session_opened",
        0,
        at_ms,
        session_id=item.session,
        user_id=item.user,
        opened_at_ms=at_ms,
        step=OPENING,
        since_ms=at_ms,
        lease_ends_at_ms=lease_end(item.received_at_ms, lease_ms),
        extra=extra,
    )


def _refused(item: Input, reason: str, conflicts: tuple[str, ...]) -> Fact:
    return Fact(
        "open_refused",
        0,
        item.received_at_ms,
        session_id=item.session,
        user_id=item.user,
        reason=reason,
        conflicts=conflicts,
        extra={"conflicts": list(conflicts)} if conflicts else {},
    )


def _barred(room: Room, session: Session, item: Input) -> Fact:
    fact = _refused(item, session.close_reason, ())
    fact.extra = {"barred_until_ms": barred_until_ms(room, session)}
    return fact
