"""The Loop contract's paths for the OpenAPI description: who may ask what, every status, its body and its headers."""

from typing import Any, Final

from ingest.loop.described_bodies import SCHEMAS, ref
from ingest.loop.fields import BODY_BYTES_MAX

__all__ = ["PATHS", "SCHEMAS", "SECURITY_SCHEMES"]

Described = dict[str, Any]

SECURITY_SCHEMES: Final[dict[str, Described]] = {
    "hawk": {"type": "http", "scheme": "hawk", "description": "derived from the Hawk-Session-Token of a registration"},
    "session_token": {"type": "http", "scheme": "basic", "description": "name: a join's sessionToken; no password"},
}
_HAWK: Final[list[Described]] = [{"hawk": []}]
_ANYBODY: Final[list[Described]] = [{}, {"hawk": []}, {"session_token": []}]
_TEXT_HEADER: Final = {"schema": {"type": "string"}}
_TIMESTAMP: Final = {"Timestamp": {"schema": {"type": "integer"}, "description": "the server's time in seconds"}}
_SIGNED: Final = {"Server-Authorization": {**_TEXT_HEADER, "description": "to Hawk users: the reply's signature"}}
_ALERT: Final = {"Alert": {**_TEXT_HEADER, "description": "where roomName was sent: it is deprecated"}}
_REFUSALS: Final = {
    400: "errno 106: no JSON; 107, 108: a member is wrong or missing; 110: a malformed Hawk header",
    401: "errno 110: no credentials, or none that are good here",
    403: "errno 999: neither the owner's nor a participant's business",
    404: "errno 105: there is no such room",
    406: "errno 106: the client takes no JSON",
    410: "errno 111: the participation has expired",
    413: f"errno 113: more than {BODY_BYTES_MAX} bytes, or a form of a thousand members",
    415: "errno 999: another charset than UTF-8, or packed in an unknown way",
    503: "errno 201: the log, the store or the processor can't be reached; nothing was promised",
}
_REFUSAL_HEADERS: Final[dict[int, Described]] = {
    401: {**_TIMESTAMP, "WWW-Authenticate": {**_TEXT_HEADER, "required": True}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "required": True}},
}
_ELSEWHERE: Final = {
    "description": "the token has a slash in it: no path of this contract, looked for once more under /v0",
    "headers": {"Location": {**_TEXT_HEADER, "required": True}},
}
_TOKEN: Final = {"name": "token", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _json(schema: Described) -> Described:
    return {"application/json": {"schema": schema}}


def _refusals(*statuses: int) -> Described:
    refusals = {}
    for status in (*statuses, 400, 413, 415, 503):
        refusals[str(status)] = {
            "description": _REFUSALS[status],
            "headers": {**_SIGNED, **_REFUSAL_HEADERS.get(status, {})},
            "content": _json(ref("LoopError")),
        }
    return refusals


def _reply(text: str, schema: Described | None = None, **headers: Described) -> Described:
    described: Described = {"description": text, "headers": {**_SIGNED, **headers}}
    return described if schema is None else {**described, "content": _json(schema)}


def _operation(name: str, summary: str, security: list[Described], replies: Described, body: str = "") -> Described:
    contents = ("application/json", "application/x-www-form-urlencoded")
    asked = {name: {"schema": ref(body)} for name in contents} if body else {}
    return {
        "tags": ["Loop rooms"],
        "summary": summary,
        "operationId": name,
        "security": security,
        **({"requestBody": {"required": True, "content": asked}} if body else {}),
        "responses": replies,
    }


_REGISTER: Final = _operation(
    "register",
    "Become a Hawk user",
    [{}, {"hawk": []}],
    {
        "200": _reply(
            "registered; with valid Hawk credentials nothing happens",
            **_TIMESTAMP,
            **{"Hawk-Session-Token": {**_TEXT_HEADER, "description": "from which id and key are derived by HKDF"}},
        ),
        **_refusals(401),
    },
)
_CREATE: Final = _operation(
    "create_room",
    "Make a room",
    _HAWK,
    {"201": _reply("made", ref("CreatedRoom"), **_ALERT), **_refusals(401, 406)},
    "NewRoom",
)
_LIST: Final = {
    **_operation(
        "list_rooms",
        "List the user's rooms, the least lately changed first",
        _HAWK,
        {
            "200": _reply(
                "the rooms; since a version also those that were deleted within 27 minutes",
                {"type": "array", "items": {"anyOf": [ref("Room"), ref("DeletedRoom")]}},
                **_TIMESTAMP,
            ),
            **_refusals(401),
        },
    ),
    "parameters": [
        {
            "name": "version",
            "in": "query",
            "schema": {"type": "string"},
            "description": "seconds since the epoch: only what changed since then",
        }
    ],
}
_DELETE_SEVERAL: Final = _operation(
    "delete_rooms",
    "Delete several rooms",
    _HAWK,
    {
        "207": _reply("at least one was deleted; what became of each", ref("DeletedRooms")),
        **_refusals(401, 406),
        "404": _reply("none of them is a room of the user's", ref("DeletedRooms")),
    },
    "RoomsToDelete",
)
_SHOW: Final = _operation(
    "show_room",
    "Look at a room",
    _ANYBODY,
    {
        "200": _reply(
            "to strangers little, to participants and the owner all of it",
            {"anyOf": [ref("PlainRoom"), ref("Room")]},
            **_TIMESTAMP,
        ),
        "307": _ELSEWHERE,
        **_refusals(401, 403, 404),
    },
)
_CHANGE: Final = _operation(
    "change_room",
    "Change a room; what is not named stays, but for the end",
    _HAWK,
    {
        "200": _reply("changed", ref("ChangedRoom"), **_TIMESTAMP, **_ALERT),
        "307": _ELSEWHERE,
        **_refusals(401, 403, 404),
    },
    "RoomChange",
)
_DELETE: Final = _operation(
    "delete_room",
    "Delete a room",
    _HAWK,
    {"204": _reply("deleted; everybody is out"), "307": _ELSEWHERE, **_refusals(401, 403, 404)},
)
_ACT: Final = _operation(
    "act_in_room",
    "Join, refresh, post a status, leave, or log domains; a join needs no credentials",
    _ANYBODY,
    {
        "200": _reply("join, refresh", {"anyOf": [ref("Joined"), ref("Refreshed")]}, **_TIMESTAMP),
        "204": _reply("status, leave, logDomain: done, and durable"),
        "307": _ELSEWHERE,
        **_refusals(401, 404, 406, 410),
    },
    "RoomAction",
)
_ACT["responses"]["400"]["description"] += "; 121, 202: no seat; 203: the sender is not inside"
_SERVERS: Final = [{"url": "/"}, {"url": "/v0"}]

PATHS: Final[dict[str, Described]] = {
    "/registration": {"servers": _SERVERS, "post": _REGISTER},
    "/rooms": {"servers": _SERVERS, "post": _CREATE, "get": _LIST, "patch": _DELETE_SEVERAL},
    "/rooms/{token}": {
        "servers": _SERVERS,
        "parameters": [_TOKEN],
        "get": _SHOW,
        "patch": _CHANGE,
        "delete": _DELETE,
        "post": _ACT,
    },
}
"""The contract's path items."""
