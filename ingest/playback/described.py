"""The playback contract's paths for the OpenAPI description: every status, its body and its headers."""

from typing import Any, Final

from ingest.playback.members import BODY_BYTES_MAX, TEXT_CHARACTERS_MAX
from ingest.playback.replies import CODES
from ingest.playback.sessions import SESSION_CHARACTERS_MAX

Described = dict[str, Any]

SECURITY_SCHEMES: Final[dict[str, Described]] = {
    "playback_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "`sub` is the user"},
}
_TEXT: Final[Described] = {"type": "string"}
_SECONDS: Final[Described] = {"type": "integer", "description": "seconds since the epoch"}
_SAID: Final[Described] = {"anyOf": [{**_TEXT, "maxLength": TEXT_CHARACTERS_MAX}, {"type": "null"}]}
_SAYING: Final[Described] = {
    "type": "object",
    "properties": {
        "device_type": {**_SAID, "description": "sessions of one device type share a limit"},
        "service": {**_SAID, "description": "what is played, such as live"},
        "user_agent": {**_SAID, "description": "the device's name; otherwise the header of that name"},
    },
}


def _ref(name: str) -> Described:
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(required: list[str], properties: Described) -> Described:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


_SHOWN: Final[Described] = {
    "service": _TEXT,
    "ip4_address": {**_TEXT, "description": "empty if it is not IPv4, or not kept"},
    "device_type": _TEXT,
    "user_agent": _TEXT,
    "play_started_timestamp": _SECONDS,
    "last_updated_timestamp": {**_SECONDS, "description": "when it was opened or kept alive last, in seconds"},
}
_ERROR: Final[Described] = {
    "id": {"type": "integer", "minimum": 0, "exclusiveMaximum": 1 << 53, "description": "of this occurrence"},
    "code": {**_TEXT, "enum": list(CODES.values())},
    "title": _TEXT,
    "details": _TEXT,
}
_MEMBERS: Final = ["id", "code", "title", "details"]

SCHEMAS: Final[dict[str, Described]] = {
    "MediaPlaySession": _closed(
        ["type", "id", "attributes"],
        {"type": {**_TEXT, "const": "MediaPlaySession"}, "id": _TEXT, "attributes": _closed(list(_SHOWN), _SHOWN)},
    ),
    "MediaPlaySessions": _closed(["data"], {"data": {"type": "array", "items": _ref("MediaPlaySession")}}),
    "SaidOfPlaying": {
        "anyOf": [
            {
                "type": "object",
                "required": ["data"],
                "properties": {"data": {"type": "object", "properties": {"attributes": _SAYING}}},
            },
            {**_SAYING, "not": {"required": ["data"]}},
        ]
    },
    "PlaybackError": _closed(_MEMBERS, _ERROR),
    "PlaybackRefused": _closed(
        _MEMBERS,
        {
            **_ERROR,
            "sessions": {
                "type": "array",
                "items": _TEXT,
                "description": "at the limit: the sessions of the same account that are in the way, oldest first",
            },
        },
    ),
}
"""By name, for the components of the description."""

_TEXTS: Final = {
    400: "the body is wrong, or the id has too many characters or none",
    401: "no token, or none that is good here",
    403: "do not play: the limit is reached, or others ended this session; nothing else is a 403",
    404: "the account or the session is not there, or not the token's user's",
    409: "the session is of another device type",
    413: f"more than {BODY_BYTES_MAX} bytes",
    415: "packed in an unknown way",
    503: "log, store or processor can't be reached, or ROOMSTATE_PLAYBACK_JWT_KEY is not set: playback may start",
}
_HEADERS: Final[dict[int, Described]] = {
    401: {"WWW-Authenticate": {"schema": _TEXT, "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}}},
}


def _errors(*statuses: int) -> Described:
    return {
        str(status): {
            "description": _TEXTS[status],
            "headers": _HEADERS.get(status, {}),
            "content": _json("PlaybackRefused" if status == 403 else "PlaybackError"),
        }
        for status in (*statuses, 401, 404, 503)
    }


def _json(name: str) -> Described:
    return {"application/json": {"schema": _ref(name)}}


def _sessions(text: str) -> Described:
    return {"description": text, "content": _json("MediaPlaySessions")}


def _operation(name: str, summary: str, replies: Described, *parameters: Described, says: bool = False) -> Described:
    return {
        "tags": ["Playback sessions"],
        "summary": summary,
        "operationId": name,
        "security": [{"playback_token": []}],
        "parameters": list(parameters),
        **({"requestBody": {"required": False, "content": _json("SaidOfPlaying")}} if says else {}),
        "responses": replies,
    }


_REPLACE: Final = {
    "name": "replace",
    "in": "query",
    "schema": _TEXT,
    "description": "the id of a session that ends in the same decision, or `oldest`: as many as it takes",
}
_USER: Final = {"name": "user_id", "in": "path", "required": True, "schema": {**_TEXT, "minLength": 1}}
_SESSION: Final = {
    "name": "session_id",
    "in": "path",
    "required": True,
    "schema": {**_TEXT, "minLength": 1, "maxLength": SESSION_CHARACTERS_MAX},
}
_SERVERS: Final = [{"url": "/"}, {"url": "/api/v1/media"}]


def _of_one_session(suffix: str) -> dict[str, Described]:
    return {
        "patch": _operation(
            f"keep_media_play_session{suffix}",
            "Keep a session alive",
            {"200": _sessions("kept alive"), **_errors(400, 403, 413, 415)},
            says=True,
        ),
        "delete": _operation(
            f"delete_media_play_session{suffix}",
            "End a session because playing stopped",
            {"204": {"description": "ended"}, **_errors()},
        ),
    }


PATHS: Final[dict[str, Described]] = {
    "/users/{user_id}/media_play_sessions": {
        "servers": _SERVERS,
        "parameters": [_USER],
        "get": _operation(
            "list_media_play_sessions", "List what the user plays", {"200": _sessions("live sessions"), **_errors()}
        ),
        "post": _operation(
            "create_media_play_session",
            "Open a session before playing",
            {"201": _sessions("opened; the client keeps its id"), **_errors(400, 403, 413, 415)},
            _REPLACE,
            says=True,
        ),
    },
    "/users/{user_id}/media_play_sessions/{session_id}": {
        "servers": _SERVERS,
        "parameters": [_USER, _SESSION],
        "put": _operation(
            "upsert_media_play_session",
            "Open a session under an id of the client's, or keep it alive",
            {
                "200": _sessions("kept alive"),
                "201": _sessions("opened"),
                **_errors(400, 403, 409, 413, 415),
            },
            _REPLACE,
            says=True,
        ),
        **_of_one_session(""),
    },
    "/media_play_sessions/{session_id}": {
        "servers": _SERVERS,
        "parameters": [_SESSION],
        **_of_one_session("_of_token"),
    },
}
"""The contract's path items."""
