"""What Loop requests and replies hold, as JSON schemas for the OpenAPI description.

Numbers may come as texts, as in a form. What a schema asks for beyond types is what the contract checks; whoever sends
something else gets the contract's own 400. Source: contracts 2.3 to 2.6.
"""

from typing import Any, Final

from ingest.loop.room_members import NAME_LENGTH_MAX, OWNER_LENGTH_MAX, ROOM_HOURS_MAX, ROOM_SIZE_MAX

Schema = dict[str, Any]

ACTIONS: Final = ("join", "refresh", "status", "leave", "logDomain")
_TEXT: Final[Schema] = {"type": "string"}
_SECONDS: Final[Schema] = {"type": "integer", "description": "seconds since the epoch"}
_COUNTER: Final[Schema] = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,9}$"}],
    "description": "read as JavaScript's parseInt reads it",
}
_CONTEXT: Final[Schema] = {
    "type": "object",
    "required": ["value", "alg", "wrappedKey"],
    "properties": {"value": _TEXT, "alg": _TEXT, "wrappedKey": _TEXT},
    "description": "the room's name and more, encrypted by the client",
}


def ref(name: str) -> Schema:
    """Return the reference to a schema of this contract."""
    return {"$ref": f"#/components/schemas/{name}"}


def _number(most: int) -> Schema:
    return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": most}, {"type": "string", "pattern": "^[1-5]$"}]}


def _closed(required: list[str], properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_ROOM_MEMBERS: Final[dict[str, Schema]] = {
    "roomName": {**_TEXT, "maxLength": NAME_LENGTH_MAX, "deprecated": True},
    "context": _CONTEXT,
    "roomOwner": {**_TEXT, "maxLength": OWNER_LENGTH_MAX},
    "maxSize": _number(ROOM_SIZE_MAX),
    "expiresIn": {**_number(ROOM_HOURS_MAX), "description": "hours"},
    "channel": _TEXT,
}
_ACTION_MEMBERS: Final[dict[str, Schema]] = {
    "action": {**_TEXT, "enum": list(ACTIONS)},
    "displayName": {"description": "join: any value"},
    "clientMaxSize": {**_COUNTER, "description": "join: how many participants the client can handle"},
    "event": {"description": "status: any value; clients send e.g. Session.connectionCreated"},
    "state": {"description": "status: any value; clients send one of the seven states"},
    "connections": _COUNTER,
    "sendStreams": _COUNTER,
    "recvStreams": _COUNTER,
    "domains": {
        "type": "array",
        "items": {"type": "object", "required": ["domain", "count"]},
        "description": "logDomain",
    },
    "sessionToken": {"description": "ignored"},
}
_SHOWN: Final[dict[str, Schema]] = {
    "roomToken": _TEXT,
    "roomName": {},
    "context": {"anyOf": [{"type": "object"}, {"type": "null"}]},
    "roomOwner": {},
    "roomUrl": {**_TEXT, "format": "uri"},
}
_SHOWN_INSIDE: Final[dict[str, Schema]] = {
    "maxSize": {"type": "integer"},
    "clientMaxSize": {"type": "integer", "description": "the least of maxSize and what those inside can handle"},
    "creationTime": _SECONDS,
    "expiresAt": _SECONDS,
    "ctime": {**_SECONDS, "description": "when the room last changed, or somebody came or went"},
    "participants": {
        "type": "array",
        "items": _closed(
            ["roomConnectionId", "displayName", "owner"],
            {"roomConnectionId": _TEXT, "displayName": {}, "owner": {"type": "boolean"}},
        ),
    },
}
_PLAIN: Final = ["roomToken", "context", "roomOwner", "roomUrl"]

SCHEMAS: Final[dict[str, Schema]] = {
    "LoopError": _closed(
        ["code", "errno", "error"],
        {
            "code": {"type": "integer", "description": "the HTTP status"},
            "errno": {"type": "integer", "enum": [105, 106, 107, 108, 110, 111, 113, 121, 201, 202, 203, 999]},
            "error": {
                "anyOf": [
                    _TEXT,
                    _closed(
                        ["statusCode", "error", "message"],
                        {"statusCode": {"type": "integer"}, "error": _TEXT, "message": _TEXT},
                    ),
                ],
                "description": "a text; of a Hawk refusal an object",
            },
        },
    ),
    "NewRoom": {
        "type": "object",
        "required": ["roomOwner", "maxSize"],
        "oneOf": [{"required": ["context"]}, {"required": ["roomName"]}],
        "properties": _ROOM_MEMBERS,
    },
    "RoomChange": {
        "type": "object",
        "properties": {name: _ROOM_MEMBERS[name] for name in _ROOM_MEMBERS if name != "channel"},
    },
    "RoomsToDelete": {
        "type": "object",
        "required": ["deleteRoomTokens"],
        "properties": {"deleteRoomTokens": {"type": "array", "items": _TEXT, "minItems": 1}},
    },
    "RoomAction": {"type": "object", "required": ["action"], "properties": _ACTION_MEMBERS},
    "CreatedRoom": _closed(
        ["roomToken", "roomUrl", "expiresAt"],
        {"roomToken": _TEXT, "roomUrl": {**_TEXT, "format": "uri"}, "expiresAt": _SECONDS},
    ),
    "ChangedRoom": _closed(["expiresAt"], {"expiresAt": _SECONDS}),
    "DeletedRooms": _closed(
        ["responses"],
        {
            "responses": {
                "type": "object",
                "additionalProperties": {
                    "anyOf": [_closed(["code"], {"code": {"type": "integer", "const": 200}}), ref("LoopError")]
                },
            }
        },
    ),
    "PlainRoom": _closed(_PLAIN, _SHOWN),
    "Room": _closed([*_PLAIN, *_SHOWN_INSIDE], {**_SHOWN, **_SHOWN_INSIDE}),
    "DeletedRoom": _closed(
        ["roomToken", "deleted"], {"roomToken": _TEXT, "deleted": {"type": "boolean", "const": True}}
    ),
    "Joined": _closed(
        ["apiKey", "sessionId", "sessionToken", "expires"],
        {
            "apiKey": _TEXT,
            "sessionId": _TEXT,
            "sessionToken": {**_TEXT, "description": "the name of Basic credentials, without a password"},
            "expires": {"type": "integer", "description": "seconds within which to refresh"},
        },
    ),
    "Refreshed": _closed(["expires"], {"expires": {"type": "integer"}}),
}
"""By name, for the components of the description."""
