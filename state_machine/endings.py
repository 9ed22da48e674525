"""When a room ends by itself: at the end that it was given, or later because it is used.

A call that was given an end goes on for eight weeks from whenever somebody joins, refreshes or leaves. What is said of
the room afterwards (an update, a new creation) counts anew. A room that has ended is as good as gone: nobody is inside
any more, nobody gets in, and it may be created again. Source: contract 2.5.
"""

from typing import Final

from state_machine.facts import Fact
from state_machine.leases import closing, is_live
from state_machine.room import Room

EXTENSION_MS: Final = 8 * 7 * 24 * 3_600_000
"""Eight weeks."""
_ENDINGS_OF_A_USE: Final = frozenset({"left", "killed", "replaced"})


def is_use(fact: Fact) -> bool:
    """Tell whether the fact extends its room.

    An expired lease was used when it began, and its beginning counts. What a status opened does not count: deciding a
    status never looks at what is known of the room.
    """
    if fact.name == "session_closed":
        return fact.reason in _ENDINGS_OF_A_USE
    return not fact.extra.get("implicit")


def extended_end_ms(expires_at_ms: int, said_at_ms: int, used_at_ms: int) -> int:
    """Return when a call ends whose end was said at `said_at_ms` and that was last used at `used_at_ms`; 0 = never."""
    if not expires_at_ms or used_at_ms <= said_at_ms:
        return expires_at_ms
    return max(expires_at_ms, used_at_ms + EXTENSION_MS)


def end_ms(room: Room) -> int:
    """Return when the room ends; 0 = never."""
    if room.room_kind != "call":
        return room.expires_at_ms
    return extended_end_ms(room.expires_at_ms, room.said_at_ms, room.used_at_ms)


def has_ended(room: Room, received_at_ms: int) -> bool:
    """Tell whether the room's time is over for an input received at the given time; a deleted room has no time."""
    return not room.deleted_at_ms and 0 < end_ms(room) <= received_at_ms


def exists(room: Room, received_at_ms: int) -> bool:
    """Tell whether the room was created, not deleted since, and has not ended."""
    return room.created_at_ms > 0 and not room.deleted_at_ms and not has_ended(room, received_at_ms)


def ended_sessions(room: Room, received_at_ms: int, first_index: int) -> list[Fact]:
    """Return the closings of everybody who is inside a room that has ended, dated at its end."""
    if not has_ended(room, received_at_ms):
        return []
    live = [session for session in room.sessions.values() if is_live(session)]
    return [closing(session, index, end_ms(room), "expired") for index, session in enumerate(live, first_index)]
