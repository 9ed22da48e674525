"""The session control for the OpenAPI description."""

from typing import Any, Final

from ingest.control.queries import EVERYTHING
from storage.session_list import FILTERS

Described = dict[str, Any]

_TEXT: Final[Described] = {"type": "string"}
_COUNT: Final[Described] = {"type": "integer", "minimum": 0}
_FIELDS: Final[dict[str, Described]] = {
    "id": {"type": "integer", "minimum": 1, "description": "what delete takes; never given twice"},
    "app": {**_TEXT, "description": "the session's app, else its service, else the kind of its room"},
    "stream": {**_TEXT, "description": "the room"},
    "type": {**_TEXT, "description": "the protocol if the client said one, else the kind of its room"},
    "client_ip": _TEXT,
    "user_agent": _TEXT,
    "created": {**_COUNT, "description": "unix seconds"},
    "last_access": {**_COUNT, "description": "unix seconds"},
    "bytes_sent": _COUNT,
    "bytes_recv": _COUNT,
}
_DETAILS: Final[dict[str, Described]] = {
    **dict.fromkeys(("room_kind", "session", "user", "state", "device_type"), _TEXT),
    "lease_ends": {"anyOf": [_COUNT, {"type": "null"}], "description": "unix seconds; null: it has no end"},
}
SCHEMAS: Final[dict[str, Described]] = {
    "ControlledSession": {
        "type": "object",
        "required": list(_FIELDS),
        "properties": {**_FIELDS, **_DETAILS},
        "additionalProperties": False,
    },
    "ControlStatus": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["Ok", "Error"]}},
        "additionalProperties": False,
    },
    "ServerStatus": {
        "type": "object",
        "required": ["Connections", "OutRate", "SysInfo"],
        "properties": {
            "Connections": {**_COUNT, "description": "live sessions of every kind"},
            "OutRate": {**_COUNT, "description": "always 0: no media passes here"},
            "SysInfo": {"type": "object", "properties": {"ap": _COUNT, "tpms": _COUNT}},
        },
    },
}
SECURITY_SCHEMES: Final[dict[str, Described]] = {
    "salted_hash": {
        "type": "apiKey",
        "in": "query",
        "name": "hash",
        "description": "base64(MD5(salt + '/' + ROOMSTATE_MANAGEMENT_TOKEN)), beside `salt`",
    }
}
_WHY: Final = {
    400: "a parameter is not what it should be",
    403: "salt and hash do not fit",
    404: "the control is off: ROOMSTATE_MANAGEMENT_TOKEN is not set",
    413: "the body is too large",
    503: "the log, the processor or the store is away; try again",
}


def _parameter(name: str, schema: Described, text: str) -> Described:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


def _ref(name: str) -> Described:
    return {"$ref": f"#/components/schemas/{name}"}


def _reply(schema: Described, text: str) -> Described:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _operation(schema: Described, text: str, *refusals: int, **more: Any) -> Described:
    replies = {str(status): _reply(_ref("ControlStatus"), _WHY[status]) for status in (*refusals, 403, 404, 503)}
    return {"security": [{"salted_hash": []}], "responses": {"200": _reply(schema, text), **replies}, **more}


_SALT: Final = _parameter("salt", _TEXT, "any text that is not empty")
_NUMBER: Final[Described] = {"type": "integer", "minimum": 0, "maximum": EVERYTHING}
LIST: Final = _operation(
    {"type": "array", "items": _ref("ControlledSession")},
    "the sessions, in the order of their ids",
    400,
    operationId="list_sessions",
    summary="Return the live sessions of every kind",
    parameters=[
        _SALT,
        *(_parameter(name, _TEXT, f"only those whose {name} is this; not in the contract") for name in FILTERS),
        _parameter("limit", _NUMBER, "how many at most; not in the contract"),
        _parameter("after", _NUMBER, "only ids above this one; not in the contract"),
        _parameter("details", {"type": "boolean"}, "also the members that the contract does not have"),
    ],
)
DELETE: Final = _operation(
    _ref("ControlStatus"),
    "Ok: none of them is live any more; Error: the body is no JSON array",
    413,
    operationId="delete_sessions",
    summary="End sessions; answered once all are decided",
    parameters=[_SALT],
    requestBody={
        "required": True,
        "description": "the ids; those that name no live session are passed over",
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9]+$"}]},
                }
            }
        },
    },
)
STATUS: Final = _operation(
    _ref("ServerStatus"),
    "what panels poll",
    operationId="server_status",
    summary="Return how many sessions are live",
    parameters=[_SALT],
)
