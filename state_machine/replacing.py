"""Who gives way to an opening: sessions that end, with reason `replaced`, in the decision that opens the new one.

In a call, the joiner's own earlier session. In an account, what the opening asks for: a session by its id, or `oldest`,
which ends as many of the oldest sessions as it takes to stay within the limit, and none where there is room. Source:
contracts 1.5 and 2.5.
"""

from typing import Final

from state_machine.inputs import Input
from state_machine.leases import is_live
from state_machine.room import Room, Rules, Session

OLDEST: Final = "oldest"


def giving_way(room: Room, item: Input, rules: Rules) -> list[Session]:
    """Return the live sessions that end if the opening is let in."""
    match room.room_kind:
        case "call":
            return _of_the_same_user(room, item)
        case "account":
            return _asked_for(room, item, rules)
    return []


def rivals(room: Room, item: Input) -> list[Session]:
    """Return the account's other live sessions of the opening's device type, in the order of their openings.

    No device type is a group of its own.
    """
    return [
        session
        for session in room.sessions.values()
        if is_live(session) and session.device_type == item.device_type and session.session_id != item.session
    ]


def _of_the_same_user(room: Room, item: Input) -> list[Session]:
    if not item.user:
        return []
    return [session for session in room.sessions.values() if is_live(session) and session.user_id == item.user]


def _asked_for(room: Room, item: Input, rules: Rules) -> list[Session]:
    if not item.replace:
        return []
    if item.replace == OLDEST:
        playing = rivals(room, item)
        return playing[: max(0, len(playing) + 1 - rules.playback_limit)]
    named = room.sessions.get(item.replace)
    return [named] if named is not None and is_live(named) and named.session_id != item.session else []
