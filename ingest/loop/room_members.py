"""What POST /rooms takes: the attributes of a new room, checked in the contract's order.

Source: contracts 2.4 and 2.11.
"""

from typing import Any, Final, NamedTuple

from ingest.loop.javascript import length, parse_int
from ingest.loop.replies import invalid, missing

ROOM_SIZE_MAX: Final = 5
ROOM_HOURS_MAX: Final = 8 * 7 * 24
"""Eight weeks: the default and the longest life of a room."""
_NAME_LENGTH_MAX: Final = 100
_OWNER_LENGTH_MAX: Final = 255
_CONTEXT_MEMBERS: Final = ("value", "alg", "wrappedKey")


class NewRoom(NamedTuple):
    """A checked request for a room.

    Units: `expires_in_h` are hours. `attributes` are what only the contract's edge reads: room_owner, room_name or
    context, channel.
    """

    max_size: int
    expires_in_h: int
    attributes: dict[str, Any]


def new_room(members: dict[str, Any]) -> NewRoom:
    """Return the room that the body asks for.

    Raises: LoopRefusal 400/108 naming all that is missing, 400/107 for the first that is wrong.
    """
    _require(members)
    attributes: dict[str, Any] = {"room_owner": _text(members, "roomOwner", _OWNER_LENGTH_MAX)}
    if "roomName" in members:
        attributes["room_name"] = _text(members, "roomName", _NAME_LENGTH_MAX)
    expires_in_h = _expires_in_h(members)
    max_size = _max_size(members)
    if "context" in members:
        attributes["context"] = _context(members)
    if "channel" in members:
        attributes["channel"] = members["channel"]
    return NewRoom(max_size, expires_in_h, attributes)


def _require(members: dict[str, Any]) -> None:
    absent = [] if "context" in members or "roomName" in members else ["context,roomName"]
    absent += [name for name in ("roomOwner", "maxSize") if name not in members]
    if absent:
        raise missing(f"Missing: {', '.join(absent)}")


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
        raise invalid("context and roomName cannot be used together")
    if not isinstance(context, dict) or any(context.get(name) is None for name in _CONTEXT_MEMBERS):
        raise invalid(f"context should be an object with the properties {', '.join(_CONTEXT_MEMBERS)}")
    return context
