"""POST /rooms/{token} for the OpenAPI description: FastAPI does not route it, so it is described by hand."""

from typing import Any, Final

_STATUS_MEMBERS: Final = {
    "event": {"type": "string", "examples": ["Session.connectionCreated"]},
    "state": {
        "type": "string",
        "enum": ["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup"],
    },
    "connections": {"type": "integer", "minimum": 0},
    "sendStreams": {"type": "integer", "minimum": 0},
    "recvStreams": {"type": "integer", "minimum": 0},
}
_MEMBERS: Final = {
    "action": {"type": "string", "enum": ["join", "refresh", "status", "leave", "logDomain"]},
    "displayName": {"type": "string", "description": "join"},
    "clientMaxSize": {"type": "integer", "description": "join: how many participants the client can handle"},
    **_STATUS_MEMBERS,
    "domains": {"type": "array", "items": {"type": "object"}, "description": "logDomain"},
}
_RESPONSES: Final = {
    "200": "join: apiKey, sessionId, sessionToken, expires; refresh: expires",
    "204": "status, leave, logDomain: done, and a status is durable",
    "400": "a member is missing or wrong, the room is full, or the sender is not in it",
    "401": "no credentials, or none that are good for this room",
    "404": "there is no such room",
    "410": "refresh: the participation has expired",
    "503": "the log, the store or the processor can't be reached; nothing was promised",
}

ROOM_ACTION: Final[dict[str, Any]] = {
    "post": {
        "tags": ["Loop rooms"],
        "summary": "Act in a room",
        "description": "Join, refresh, post a status, leave, or log domains. Credentials: Hawk, or Basic with the"
        " session token of a join as the name and no password; a join needs none.",
        "operationId": "act_in_room",
        "parameters": [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "object", "required": ["action"], "properties": _MEMBERS}}
            },
        },
        "responses": {status: {"description": text} for status, text in _RESPONSES.items()},
    }
}
"""The path item's operation."""
