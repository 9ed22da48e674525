"""GET /manage/sessions, POST /manage/sessions/delete, GET /manage/server_status: the session control.

Decided here, where contract 4 is silent: a wrong or missing hash is a 403, a control without a password a 404, a
parameter that is no number a 400, a body that is too large a 413, and an outage a 503 with `Retry-After`; all of them
with the body `{"status":"Error"}`. The list is written by the store and passed on as it comes.
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ingest.bodies import BodyEncodingUnknown, BodyTooLarge, BodyUnreadable, read_body
from ingest.commands import Unanswered
from ingest.control.authorization import Authorization
from ingest.control.described import DELETE, LIST, STATUS
from ingest.control.killing import kill, required_numbers
from ingest.control.queries import wanted_of
from ingest.control.refusals import ERROR_BODY, OK_BODY, ControlRefusal, json_response
from ingest.edge import Edge
from ingest.large_bodies import TooManyBodies
from ingest.native.names import NAME
from storage.session_list import live_count, session_list
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
"""Some 200,000 numbers."""

_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}

Handler = Callable[[Request], Awaitable[Response]]


def control_routes(edge: Edge) -> APIRouter:
    """Return the routes; without a management token each is a 404."""
    router = APIRouter(prefix="/manage", tags=["session control"])
    control = Control(edge)
    for path, method, handler, described in (
        ("/sessions", "GET", control.list_sessions, LIST),
        ("/sessions/delete", "POST", control.delete_sessions, DELETE),
        ("/server_status", "GET", control.server_status, STATUS),
    ):
        router.add_api_route(path, _served(handler), methods=[method], openapi_extra=described)
        router.add_api_route(path, _refused(405, Allow=method), methods=_METHODS - {method}, include_in_schema=False)
    for path in ("", f"/{{path:{NAME}}}"):
        router.add_api_route(path, _refused(404), methods=_METHODS, include_in_schema=False)
    return router


class Control:
    """Serves the operators."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        token = edge.settings.management_token
        self._authorization = Authorization(token.get_secret_value() if token else "")

    async def list_sessions(self, request: Request) -> Response:
        """Return the live sessions."""
        self._authorization.check(request.scope["query_string"])
        wanted = wanted_of(request.scope["query_string"])
        pieces = session_list(await self._edge.store.store(), wanted)
        first = await anext(pieces, b"[]")  # before the status is sent, so that an outage is a 503
        return StreamingResponse(_all(first, pieces), media_type="application/json")

    async def delete_sessions(self, request: Request) -> Response:
        """End the sessions of the body."""
        self._authorization.check(request.scope["query_string"])
        numbers = required_numbers(await self._body(request))
        killed = await kill(self._edge, numbers)
        _LOG.info("%d of %d sessions named by an operator were live and are killed", killed, len(numbers))
        return json_response(OK_BODY)

    async def server_status(self, request: Request) -> Response:
        """Return what panels poll."""
        self._authorization.check(request.scope["query_string"])
        status = {
            "Connections": await live_count(self._edge.store),
            "OutRate": 0,
            "SysInfo": {
                "ap": os.cpu_count() or 1,
                "tpms": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            },
        }
        return json_response(msgspec.json.encode(status))

    async def _body(self, request: Request) -> bytes:
        encoding = request.headers.get("content-encoding", "")
        try:
            async with self._edge.large_bodies.room_for(request.headers.get("content-length", ""), encoding):
                return await read_body(request.receive, encoding.encode("latin-1"), BODY_BYTES_MAX)
        except BodyTooLarge:
            raise ControlRefusal(413) from None
        except TooManyBodies:
            raise ControlRefusal(503) from None
        except (BodyUnreadable, BodyEncodingUnknown):
            raise ControlRefusal(200) from None


def _served(handler: Handler) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlRefusal as refusal:
            return json_response(ERROR_BODY, refusal.status)
        except (StoreError, Unanswered) as trouble:
            _LOG.debug("%s is answered 503: %s", request.url.path, trouble)
            return json_response(ERROR_BODY, 503)

    return endpoint


def _refused(status: int, **headers: str) -> Handler:
    async def endpoint(request: Request) -> Response:
        reply = json_response(ERROR_BODY, status)
        reply.headers.update(headers)
        return reply

    return endpoint


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
