"""POST /v1/inputs.

Decided here, where the interface leaves it open: a body that is no JSON at all is refused as input 0 with 422; the
`Idempotency-Key` of more than one input is a 400; with `wait=decision` every input without an id gets one, and when
one of the decisions does not come in time the whole reply is a 503, after which the same ids may be sent again. Inputs
with members that look misspelt are taken all the same, and named in `hints`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response

from ingest.bodies import BodyEncodingUnknown, BodyTooLarge, BodyUnreadable, read_body
from ingest.commands import Placed, Unanswered, new_id
from ingest.edge import Edge
from ingest.large_bodies import LARGE_BODY_BYTES, TooManyBodies
from ingest.lines import Line
from ingest.native.described import inputs_body, reply, security, trouble
from ingest.native.hints import Hints
from ingest.native.inputs import (
    BODY_BYTES_MAX,
    INPUTS_MAX,
    JSON_TYPES,
    NDJSON_TYPES,
    Refused,
    decoded_inputs,
    encoded,
    native_line,
)
from storage.clock import now_ms
from storage.decisions import Decision

_RETRY_AFTER: Final = {"Retry-After": "1"}
_NONE_TAKEN: Final[dict[str, Any]] = {
    "description": "none of the inputs could be taken, or a parameter of the request is wrong",
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/TakenInputs"},
                    {"$ref": "#/components/schemas/HTTPValidationError"},
                ]
            }
        }
    },
}
_TROUBLE: Final = trouble(400, 401, 413, 415, 503)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request says about all its inputs."""

    idempotency_key: str
    must_have_ids: bool


class Taken:
    """What a body gave: the inputs that are taken, and why the others are not."""

    def __init__(self) -> None:
        self.lines: list[Placed] = []
        self.publications: list[tuple[int, Line]] = []
        """Lines that publish a stream, each with its place in `lines`."""
        self.refused: list[dict[str, Any]] = []
        self.hints: list[dict[str, Any]] = []

    def refuse(self, index: int, why: str) -> None:
        """Note that an input is not taken."""
        self.refused.append({"index": index, "error": why})


def write_routes(edge: Edge, check_token: Callable[[Request], None]) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/v1", tags=["native"], dependencies=[Depends(check_token)])

    @router.post(
        "/inputs",
        responses={200: reply("TakenInputs", "what was taken is durable"), 422: _NONE_TAKEN, **_TROUBLE},
        openapi_extra={**security(is_open=False), **inputs_body()},
    )
    async def post_inputs(
        request: Request,
        wait: Annotated[Literal["decision"] | None, Query()] = None,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Response:
        """Take inputs: one JSON object, an array of them, or NDJSON; answered once they are durable."""
        wish = Wish(idempotency_key or "", must_have_ids=wait is not None)
        taken = await _taken(request, wish, edge)
        await _fill_in(taken, edge)
        edge.metrics.native_inputs_refused.inc(len(taken.refused))
        decisions: list[Decision] = []
        if taken.lines:
            try:
                if wait is None:
                    await edge.commands.record([(item.partition, item.line) for item in taken.lines])
                else:
                    decisions = await edge.commands.ask_all(taken.lines)
            except Unanswered as trouble:
                raise HTTPException(503, str(trouble), _RETRY_AFTER) from None
        edge.metrics.native_inputs_accepted.inc(len(taken.lines))
        answer: dict[str, Any] = {"accepted": len(taken.lines), "refused": taken.refused}
        if taken.hints:
            answer["hints"] = taken.hints
        if wait is not None:
            answer["decisions"] = decisions
        status = 200 if taken.lines or not taken.refused else 422
        return Response(msgspec.json.encode(answer), status, media_type="application/json")

    return router


async def _taken(request: Request, wish: Wish, edge: Edge) -> Taken:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES and media_type not in NDJSON_TYPES:
        raise HTTPException(415, "send application/json or application/x-ndjson")
    encoding = request.headers.get("content-encoding", "").encode("latin-1")
    try:
        async with edge.large_bodies.room_for(request.headers.get("content-length", ""), encoding.decode("latin-1")):
            body = await read_body(request.receive, encoding, BODY_BYTES_MAX)
            if len(body) <= LARGE_BODY_BYTES:
                return _read(body, media_type, wish, edge)
            # In a thread, so that one of them does not hold up everybody else.
            return await asyncio.to_thread(_read, body, media_type, wish, edge)
    except TooManyBodies:
        raise HTTPException(503, "too many large bodies are being read", _RETRY_AFTER) from None
    except BodyTooLarge:
        raise HTTPException(413, f"at most {BODY_BYTES_MAX} bytes are taken at once") from None
    except BodyEncodingUnknown:
        raise HTTPException(415, "send the body plain, or with gzip or deflate") from None
    except BodyUnreadable:
        raise HTTPException(400, "the body does not unpack") from None


def _read(body: bytes, media_type: str, wish: Wish, edge: Edge) -> Taken:
    taken = Taken()
    try:
        values = decoded_inputs(body, media_type)
    except Refused as refusal:
        taken.refuse(0, str(refusal))
        return taken
    if len(values) > INPUTS_MAX:
        raise HTTPException(413, f"at most {INPUTS_MAX} inputs are taken at once")
    if wish.idempotency_key and len(values) != 1:
        raise HTTPException(400, "Idempotency-Key is for one input; give each of several its own id")
    received_at_ms = now_ms()
    hints = Hints()
    for index, value in enumerate(values):
        try:
            line = native_line(value, received_at_ms)
            _identify(line, wish)
            line.client_ip = edge.keep_address(line.client_ip)
            partition, data = encoded(line, edge.partitions)
            if line.kind == "publish":
                taken.publications.append((len(taken.lines), line))
            taken.lines.append(Placed(partition, data, (line.room_kind, line.room, line.id)))
            if line.extra and (hint := hints.of(value)):
                taken.hints.append({"index": index, "hint": hint})
        except Refused as refusal:
            taken.refuse(index, str(refusal))
    return taken


async def _fill_in(taken: Taken, edge: Edge) -> None:
    """Let the publications have what the stream directory knows of nodes."""
    await edge.publishing.fill_in([line for _, line in taken.publications])
    for place, line in taken.publications:
        try:
            partition, data = encoded(line, edge.partitions)
        except Refused as refusal:
            raise HTTPException(413, str(refusal)) from None
        taken.lines[place] = taken.lines[place]._replace(partition=partition, line=data)


def _identify(line: Line, wish: Wish) -> None:
    if wish.idempotency_key:
        if line.id not in ("", wish.idempotency_key):
            raise Refused("id: differs from the Idempotency-Key")
        line.id = wish.idempotency_key
    elif wish.must_have_ids and not line.id:
        line.id = new_id()
