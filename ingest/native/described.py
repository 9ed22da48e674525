"""The native interface for the OpenAPI description: bodies, replies, errors and security as they really are."""

from typing import Any, Final

import msgspec

from ingest.native.inputs import INPUTS_MAX, JSON_TYPES, NDJSON_TYPES, OTHER_SPELLINGS, NativeInput
from state_machine.vocabulary import INPUT_KINDS, ROOM_KINDS

Schema = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer"}
_ANY_TIME: Final[Schema] = {"anyOf": [_TIME, {"type": "null"}]}


def _object(required: tuple[str, ...], properties: dict[str, Schema], *, is_open: bool = False) -> Schema:
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        **({} if is_open else {"additionalProperties": False}),
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _input() -> Schema:
    (_, components) = msgspec.json.schema_components([NativeInput], ref_template=_REF)
    schema: Schema = components["NativeInput"]
    properties = schema["properties"]
    for spelling, name in OTHER_SPELLINGS.items():
        properties[spelling] = properties[name]
    properties["kind"] = {"type": "string", "enum": sorted(set(INPUT_KINDS) - {"register"}), "default": "status"}
    properties["room_kind"] = {"type": "string", "enum": list(ROOM_KINDS), "default": "call"}
    properties["node"] = {"type": "string", "description": "publish: the origin's address; open: the edge's"}
    properties["region"] = {"type": "string", "description": "publish: the node's region, or the one that is preferred"}
    schema["description"] = (
        "One input. A status needs a room, a session, an event and a state. Members not named here are kept in extra."
    )
    return schema


def _told(what: str) -> Schema:
    return _object(("index", what), {"index": _NUMBER, what: _TEXT})


_DECISION: Final = _object(
    ("place", "fact", "room_kind", "room", "at_ms"),
    {
        "place": {"type": "array", "items": _NUMBER, "minItems": 4, "maxItems": 4},
        **dict.fromkeys(("fact", "room_kind", "room", "id", "kind", "session", "user", "reason", "verdict"), _TEXT),
        **dict.fromkeys(("at_ms", "opened_at_ms", "lease_ends_at_ms"), _NUMBER),
        "conflicts": _list(_TEXT),
        "extra": {"type": "object"},
    },
)
_TAKEN: Final = _object(
    ("accepted", "refused"),
    {
        "accepted": _NUMBER,
        "refused": _list(_told("error")),
        "hints": _list(_told("hint")),
        "decisions": _list(_ref("Decision")),
    },
)
_COUNTERS: Final = dict.fromkeys(("connections", "send_streams", "recv_streams"), _NUMBER)
_SNAPSHOT: Final = _object(("state", *_COUNTERS), {"state": _TEXT, **_COUNTERS}, is_open=True)
_ANY_SNAPSHOT: Final[Schema] = {"anyOf": [_SNAPSHOT, {"type": "null"}]}
_FACT: Final = _object(
    (
        *("words", "rule", "rule_name", "rule_version", "because", "place", "fact", "at", "user_id", "reason"),
        *("log_partition", "log_offset", "log_index", "fact_index", "same_input", "extra"),
    ),
    {
        "words": {"type": "string", "description": "the fact in a sentence"},
        "rule": {"type": "string", "description": "the rule behind it, as GET /v1/rules has it"},
        "rule_name": _TEXT,
        "because": {**_list(_TEXT), "description": "the steps that lead to a status' verdict"},
        "place": {"type": "string", "description": "partition.offset.index.fact in the log; what `after` takes"},
        **dict.fromkeys(("before", "declared", "after"), _ANY_SNAPSHOT),
        "expected": {"anyOf": [_object(tuple(_COUNTERS), dict(_COUNTERS)), {"type": "null"}]},
        "known": {"type": "object", "description": "what was known of the stay before it"},
        "same_input": {"type": "object", "description": "what else its input did"},
        "fact": _TEXT,
        "at": _TIME,
        "extra": {"type": "object"},
    },
    is_open=True,
)
_STAY: Final = _object(
    ("session_id", "opened_at", "closed_at"),
    {"session_id": _TEXT, "opened_at": _TIME, "closed_at": _ANY_TIME},
    is_open=True,
)
_NOTE: Final[Schema] = {"anyOf": [_TEXT, {"type": "null"}], "description": "how to go on where the reply is cut"}
_CURSOR: Final[Schema] = {"anyOf": [_TEXT, {"type": "null"}], "description": "where the next page begins; null = none"}
SCHEMAS: Final[dict[str, Schema]] = {
    "NativeInput": _input(),
    "Decision": _DECISION,
    "TakenInputs": _TAKEN,
    "Fact": _FACT,
    "Stay": _STAY,
    "SessionStory": _object(
        ("session", "rule_version", "facts", "next", "note"),
        {
            "session": _TEXT,
            "rule_version": _NUMBER,
            "facts": _list(_ref("Fact")),
            "next": _CURSOR,
            "note": _NOTE,
        },
    ),
    "RoomStory": _object(
        ("room_kind", "room", "attributes", "facts", "next_facts", "sessions", "next_sessions", "note"),
        {
            "room_kind": {"type": "string", "enum": list(ROOM_KINDS)},
            "room": _TEXT,
            "attributes": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "facts": _list(_ref("Fact")),
            "next_facts": _CURSOR,
            "sessions": _list(_ref("Stay")),
            "next_sessions": _CURSOR,
            "note": _NOTE,
        },
    ),
    "RoomAsOf": _object(
        ("room_kind", "room", "at", "attributes", "people", "sessions", "next_sessions", "note"),
        {
            "room_kind": {"type": "string", "enum": list(ROOM_KINDS)},
            "room": _TEXT,
            "at": _TIME,
            "attributes": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "people": {"type": "integer", "description": "how many were inside, whatever the page holds"},
            "sessions": _list(_ref("Insider")),
            "next_sessions": _CURSOR,
            "note": _NOTE,
        },
    ),
    "Insider": _object(
        ("session_id", "user_id", "state", "state_since", *_COUNTERS, "opened_at", "ends_at", "close_reason"),
        {
            "session_id": _TEXT,
            "state": _TEXT,
            "state_since": _TIME,
            **_COUNTERS,
            "opened_at": _TIME,
            "ends_at": _ANY_TIME,
        },
        is_open=True,
    ),
    "RoomNowOrThen": {"anyOf": [_ref("RoomStory"), _ref("RoomAsOf")]},
    "RoomList": _object(
        ("rooms",),
        {
            "rooms": _list(
                _object(
                    ("room_kind", "room", "sessions"),
                    {
                        "room_kind": {"type": "string", "enum": list(ROOM_KINDS)},
                        "room": _TEXT,
                        "sessions": _NUMBER,
                        "open_sessions": _NUMBER,
                        "first_opened_at": _TIME,
                        "last_seen_at": _TIME,
                        "last_closed_at": _ANY_TIME,
                    },
                )
            )
        },
    ),
    "Accounting": _object(
        ("balanced", "accepted", "stored", "dead_lettered", "pending", "partitions"), {}, is_open=True
    ),
    "Rules": _object(("rule_version", "states", "families", "edges", "verdicts", "facts"), {}, is_open=True),
    "Trouble": _object(("detail",), {"detail": _TEXT}),
}

SECURITY_SCHEMES: Final[dict[str, Schema]] = {
    "api_token": {"type": "http", "scheme": "bearer", "description": "ROOMSTATE_API_TOKEN"},
    "api_token_as_password": {"type": "http", "scheme": "basic", "description": "any name, ROOMSTATE_API_TOKEN"},
}
_WITH_TOKEN: Final[list[Schema]] = [{"api_token": []}, {"api_token_as_password": []}]
_TROUBLES: Final = {
    400: "the request as a whole is wrong",
    401: "no token, or not the right one",
    404: "nothing of that name is stored",
    413: "too much at once",
    415: "another type, or packed in another way",
    503: "the log or the store can't be reached, or the decision did not come in time; try again",
}


def trouble(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of refusals with `{"detail": …}`, by status."""
    return {status: reply("Trouble", _TROUBLES[status]) for status in statuses}


def reply(name: str, text: str) -> dict[str, Any]:
    """Return the description of a JSON reply with the named schema."""
    return {"description": text, "content": {"application/json": {"schema": _ref(name)}}}


def security(*, is_open: bool) -> dict[str, Any]:
    """Return what an operation says of who may use it; open ones need no token here."""
    return {"security": [{}, *_WITH_TOKEN] if is_open else _WITH_TOKEN}


def inputs_body() -> dict[str, Any]:
    """Return what POST /v1/inputs says of its body."""
    one = _ref("NativeInput")
    several = {"anyOf": [one, {"type": "array", "items": one, "maxItems": INPUTS_MAX}]}
    lines = {"type": "string", "description": "one input a line"}
    contents = {
        **{name: {"schema": several} for name in sorted(JSON_TYPES)},
        **{name: {"schema": lines} for name in sorted(NDJSON_TYPES)},
    }
    return {"requestBody": {"required": True, "content": contents}}
