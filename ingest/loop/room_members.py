"""What POST and PATCH of rooms take: a room's attributes, checked in the contract's order with its texts.

Where the original checked nothing or fell over, the text is ours, in the same style. Source: contracts 2.4 and 2.11.
"""

from typing import Any, Final, NamedTuple

from ingest.loop.javascript import length, parse_int
from ingest.loop.replies import invalid, missing

ROOM_SIZE_MAX: Final = 5
ROOM_HOURS_MAX: Final = 8 * 7 * 24
"""Eight weeks: the default and the longest life of a room."""
NAME_LENGTH_MAX: Final = 100
OWNER_LENGTH_MAX: Final = 255
_DEFAULT_CHANNEL: Final = "default"
_CONTEXT_MEMBERS: Final = ("value", "alg", "wrappedKey")


class RoomMembers(NamedTuple):
    """What a checked body says of a room.

    Units: `expires_in_h` are hours. Shape: `max_size` is 0 if the body does not say; `attributes` are what only the
    contract's edge reads: room_owner, room_name, context, channel, each only if the body has it.
    """

    max_size: int
    expires_in_h: int
    attributes: dict[str, Any]


def require_members_of_a_room(members: dict[str, Any]) -> None:
    """Let a body through that has what a new room needs.

    Raises: LoopRefusal 400/108 naming all that is missing.
    """
    absent = [] if "context" in members or "roomName" in members else ["context,roomName"]
    absent += [name for name in ("roomOwner", "maxSize") if name not in members]
    if absent:
        raise missing(f"Missing: {', '.join(absent)}")


def room_members(members: dict[str, Any]) -> RoomMembers:
    """Return what the body says of a room.

    Raises: LoopRefusal 400/107 for the first member that is wrong.
    """
    attributes: dict[str, Any] = {}
    if "roomName" in members:
        attributes["room_name"] = _text(members, "roomName", NAME_LENGTH_MAX)
    if "context" in members:
        attributes["context"] = _context(members)
    if "roomOwner" in members:
        attributes["room_owner"] = _text(members, "roomOwner", OWNER_LENGTH_MAX)
    expires_in_h = _expires_in_h(members)
    return RoomMembers(_max_size(members), expires_in_h, attributes)


def channel_of(members: dict[str, Any]) -> Any:
    """Return the channel that a new room asks for: any is joinable, so any value will do."""
    return members.get("channel") or _DEFAULT_CHANNEL


def _text(members: dict[str, Any], name: str, length_max: int) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise invalid(f"{name} should be a string")
    if length(value) > length_max:
        raise invalid(f"{name} should be shorter than {length_max} characters")
    return value


def _expires_in_h(members: dict[str, Any]) -> int:
    if "expiresIn" not in members:
        return ROOM_HOURS_MAX
    hours = parse_int(members["expiresIn"])
    if hours is None:
        raise invalid("expiresIn should be a valid number")
    if hours > ROOM_HOURS_MAX:
        raise invalid(f"expiresIn cannot be greater than {ROOM_HOURS_MAX}")
    if hours < 1:
        raise invalid("expiresIn cannot be less than 1")
    return hours


def _max_size(members: dict[str, Any]) -> int:
    if "maxSize" not in members:
        return 0
    max_size = parse_int(members["maxSize"])
    if max_size is None:
        raise invalid("maxSize should be a valid number")
    if max_size > ROOM_SIZE_MAX:
        raise invalid(f"maxSize cannot be greater than {ROOM_SIZE_MAX}")
    if max_size < 1:
        raise invalid("maxSize cannot be less than 1")
    return max_size


def _context(members: dict[str, Any]) -> dict[str, Any]:
    context = members["context"]
    if "roomName" in members:
        raise invalid("roomName has been deprecated, please store it encrypted inside the context.")
    if not isinstance(context, dict) or any(context.get(name) is None for name in _CONTEXT_MEMBERS):
        raise invalid("context should be an object containing `value`, `alg` and `wrappedKey` properties.")
    return context
