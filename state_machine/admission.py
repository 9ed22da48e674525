"""Admission: whether a room takes one more session. The rule belongs to the kind of room.

Source: contract 2.5 (seats of a call) with the corrections of 2.11; contract 1.5 (limit of an account) with what 8.4
decides; design section 5.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from state_machine.inputs import Input
from state_machine.leases import is_live
from state_machine.replacing import giving_way, rivals
from state_machine.room import Room, Rules, Session


class Refusal(NamedTuple):
    """Why an opening is refused, and the sessions that are in its way."""

    reason: str
    conflicts: tuple[str, ...]


def admit(room: Room, item: Input, rules: Rules) -> Refusal | None:
    """Return why the opening is refused, or None if the room takes it."""
    return _ADMISSION.get(room.room_kind, _everybody)(room, item, rules)


def admit_again(room: Room, item: Input, session: Session) -> Refusal | None:
    """Return why somebody who is inside can't go on there as the opening says, or None: a seat they have already."""
    match room.room_kind:
        case "call":
            return _beyond_the_client(room, item)
        case "account" if item.device_type and item.device_type != session.device_type:
            return Refusal("other_device_type", ())
    return None


def _others(room: Room, item: Input) -> list[Session]:
    """Return the live sessions that are neither the joiner's own session nor of the joiner's own user."""
    return [
        session
        for session in room.sessions.values()
        if is_live(session) and session.session_id != item.session and not (item.user and session.user_id == item.user)
    ]


def _seats_of_a_call(room: Room, item: Input, _rules: Rules) -> Refusal | None:
    """Seats: the smallest bound that anybody set, a seat kept for the owner; then what the joiner itself can handle.

    A size of 0 sets no bound; a negative `client_max_size` is a client that said it can handle nobody.
    """
    others = _others(room, item)
    bounds = [size for size in (room.max_size, *(other.client_max_size for other in others)) if size > 0]
    if bounds:
        seat_of_the_owner = 1 if _owner_is_missing(room, item) else 0
        if min(bounds) - len(others) - seat_of_the_owner <= 0:
            return Refusal("room_full", _named(others))
    return _beyond_the_client(room, item)


def _beyond_the_client(room: Room, item: Input) -> Refusal | None:
    others = _others(room, item)
    if item.client_max_size != 0 and item.client_max_size <= len(others):
        return Refusal("client_capacity", _named(others))
    return None


def _named(sessions: list[Session]) -> tuple[str, ...]:
    return tuple(session.session_id for session in sessions)


def _owner_is_missing(room: Room, item: Input) -> bool:
    if not room.owner or item.user == room.owner:
        return False
    return not any(is_live(session) and session.user_id == room.owner for session in room.sessions.values())


def _limit_of_an_account(room: Room, item: Input, rules: Rules) -> Refusal | None:
    """Let in as many sessions of one device type as the limit says; those that give way are not counted."""
    leaving = {session.session_id for session in giving_way(room, item, rules)}
    playing = [session for session in rivals(room, item) if session.session_id not in leaving]
    return Refusal("playback_limit", _named(playing)) if len(playing) >= rules.playback_limit else None


def _everybody(_room: Room, _item: Input, _rules: Rules) -> Refusal | None:
    return None


_ADMISSION: Final[Mapping[str, Callable[[Room, Input, Rules], Refusal | None]]] = {
    "call": _seats_of_a_call,
    "account": _limit_of_an_account,
    "stream": _everybody,
}
