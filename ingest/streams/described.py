"""The stream directory for the OpenAPI description: every operation, its parameters, replies and errors."""

from typing import Any, Final

Described = dict[str, Any]

_TAG: Final = ["Stream directory"]
_TEXT: Final[Described] = {"type": "string"}
_NUMBER: Final[Described] = {"type": "integer", "minimum": 0}
_TIME: Final[Described] = {"type": "integer", "description": "milliseconds since the epoch"}
_PLACE: Final[Described] = {"name": _TEXT, "scope": _TEXT, "serverAddress": _TEXT, "region": _TEXT}
_STATS: Final[Described] = {**_PLACE, "currentSubscribers": _NUMBER, "startTime": _TIME}
_TYPE: Final[Described] = {"type": {**_TEXT, "enum": ["origin", "edge"], "description": "from 3.0 on"}}


def _object(properties: Described, optional: Described | None = None) -> Described:
    return {
        "type": "object",
        "required": list(properties),
        "properties": {**properties, **(optional or {})},
        "additionalProperties": False,
    }


SCHEMAS: Final[dict[str, Described]] = {
    "StreamPlace": _object(_PLACE),
    "ListedStream": _object(_PLACE, _TYPE),
    "StreamStats": _object(_STATS),
    "ListedStreamStats": _object(_STATS, _TYPE),
    "ClearedStreams": _object({"count": _NUMBER, "timestamp": _TIME}),
    "StreamError": _object({"errorMessage": _TEXT, "timestamp": _TIME}),
}
SECURITY_SCHEMES: Final[dict[str, Described]] = {
    "stream_administrator": {
        "type": "apiKey",
        "in": "query",
        "name": "accessToken",
        "description": "ROOMSTATE_ADMIN_TOKEN",
    }
}
_ERRORS: Final = {
    400: "the action is missing or unknown, a parameter is wrong, a condition can't be met, or the token is not right",
    404: "there is no such version, path or node, or the stream is not published",
    503: "the log, the store or the processor can't be reached; nothing was promised",
}


def _ref(name: str) -> Described:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> Described:
    return {"type": "array", "items": _ref(name)}


def _json(text: str, schema: Described) -> Described:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _query(name: str, text: str, schema: Described | None = None, *, is_required: bool = False) -> Described:
    return {
        "name": name,
        "in": "query",
        "required": is_required,
        "description": text,
        "schema": schema or _TEXT,
    }


def _flag(name: str, text: str) -> Described:
    return _query(name, text, {"type": "string", "enum": ["true", "false"]})


def _path(name: str, text: str) -> Described:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string", "minLength": 1},
    }


_VERSION: Final = {
    **_path("version", "1.0, 2.0, 3.x or 4.0"),
    "schema": {"type": "string", "enum": ["1.0", "2.0", "3.0", "3.1", "4.0"]},
}
_STREAM: Final = [
    _VERSION,
    _path("scopeName", "the scope without its leading slash; it may have slashes in it"),
    _path("streamName", "the stream's name"),
]
_WISHES: Final = [
    _query("action", "where to publish, or where to subscribe", {**_TEXT, "enum": ["broadcast", "subscribe"]}),
    _query("region", "the preferred region, from 2.0 on"),
    _flag("strict", "the region is a condition, from 3.0 on"),
    _query("endpoints", "how many nodes, in a list, from 3.0 on", {"type": "integer", "minimum": 1, "maximum": 1000}),
    _query("geozone", "from 3.0 on: none is provisioned here"),
    _flag("transcode", "from 3.0 on: without a provision an origin answers"),
]


def _operation(
    name: str, summary: str, parameters: list[Described], reply: Described, *errors: int, **more: Any
) -> Described:
    refusals = {str(status): _json(text, _ref("StreamError")) for status, text in _ERRORS.items() if status in errors}
    refusals["503"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "required": True}}
    return {
        "tags": _TAG,
        "summary": summary,
        "operationId": name,
        "parameters": parameters,
        "responses": {"200": reply, **refusals},
        "security": [{}],
        **more,
    }


_PLACES: Final = _json(
    "a node, or with endpoints a list of them", {"anyOf": [_ref("StreamPlace"), _list("StreamPlace")]}
)
_ROOT: Final = "/streammanager/api/{version}"
PATHS: Final[dict[str, Described]] = {
    f"{_ROOT}/event/{{scopeName}}/{{streamName}}": {
        "get": _operation(
            "readStream",
            "Where to publish a stream, or to subscribe to it",
            [*_STREAM, *_WISHES],
            _PLACES,
            400,
            404,
            503,
        )
    },
    f"{_ROOT}/event/{{scopeName}}/{{streamName}}/stats": {
        "get": _operation(
            "readStreamStats",
            "A published stream with its statistics; with an action, the stream called stats of a nested scope",
            [*_STREAM, *_WISHES],
            _json(
                "the stream; with an action what that gives",
                {"anyOf": [_ref("StreamStats"), _ref("StreamPlace"), _list("StreamPlace")]},
            ),
            *(400, 404, 503),
        )
    },
    f"{_ROOT}/event/list": {
        "get": _operation(
            "listStreams", "Every published stream", [_VERSION], _json("the streams", _list("ListedStream")), 404, 503
        )
    },
    f"{_ROOT}/event/list/stats": {
        "get": _operation(
            "listStreamStats",
            "Every published stream with its statistics",
            [_VERSION, _flag("aggregate", "false: each node for itself, from 3.0 on")],
            _json("the streams", _list("ListedStreamStats")),
            *(400, 404, 503),
        )
    },
    f"{_ROOT}/admin/event": {
        "delete": _operation(
            "deleteStreams",
            "Clear the directory: all of it in 1.0 and 2.0, inactive entries from 3.0 on",
            [_VERSION, _flag("includeActive", "active entries too, from 3.0 on")],
            _json("how many entries were removed", _ref("ClearedStreams")),
            *(400, 404, 503),
            security=[{"stream_administrator": []}],
        )
    },
}
