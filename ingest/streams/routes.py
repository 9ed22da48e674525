"""The stream directory's routes as FastAPI knows them; `ingest.streams.described` describes them.

Static paths come first, then those that end in /stats; with an `action` the last part of the path is the stream's name
whatever it is (contract 8.12). What does not fit is refused in the contract's own form:
`{"errorMessage": …, "timestamp": …}` with 404 for what is not there, 400 for what is asked wrongly, 405 for another
method, 503 where log, store or processor can't be reached.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from ingest.commands import Unanswered
from ingest.edge import Edge
from ingest.native.names import NAME
from ingest.streams.asked import DirectoryRefusal, Version, version_of
from ingest.streams.clearing import Clearing
from ingest.streams.stream_directory import StreamDirectory
from storage.clock import now_ms
from storage.event_log import LogUnavailable
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
_READS: Final = ["GET", "HEAD"]
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_NOTHING: Final = "there is nothing of that name"

Handler = Callable[[Version, Request], Awaitable[Any]]


def stream_routes(edge: Edge) -> APIRouter:
    """Return the routes."""
    directory = StreamDirectory(edge.store, edge.streams, edge.nodes)
    clearing = Clearing(edge.store, edge.commands, edge.partitions, edge.settings.admin_token)

    async def act(version: Version, request: Request) -> Any:
        scope, _, name = request.path_params["stream"].rpartition("/")
        return await directory.act(version, scope, name, request.query_params)

    async def stats(version: Version, request: Request) -> Any:
        if "action" in request.query_params:
            request.path_params["stream"] += "/stats"
            return await act(version, request)
        scope, _, name = request.path_params["stream"].rpartition("/")
        return await directory.stats(scope, name)

    async def list_all(version: Version, _request: Request) -> Any:
        return await directory.list_all(version)

    async def list_with_stats(version: Version, request: Request) -> Any:
        return await directory.list_with_stats(version, request.query_params)

    async def clear(version: Version, request: Request) -> Any:
        return await clearing.clear(version, request.query_params)

    router = APIRouter(prefix="/streammanager/api/{version}", include_in_schema=False)
    for path, methods, handler in (
        ("/event/list", _READS, list_all),
        ("/event/list/stats", _READS, list_with_stats),
        (f"/event/{{stream:{NAME}}}/stats", _READS, stats),
        (f"/event/{{stream:{NAME}}}", _READS, act),
        ("/admin/event", ["DELETE"], clear),
    ):
        router.add_api_route(path, _served(handler), methods=methods)
        router.add_api_route(path, _served(_refuse_method), methods=[each for each in _METHODS if each not in methods])
    router.add_api_route(f"/{{rest:{NAME}}}", _served(_refuse_path), methods=_METHODS)
    everything = APIRouter(include_in_schema=False)
    everything.include_router(router)
    everything.add_api_route(f"/streammanager{{rest:{NAME}}}", _nowhere, methods=_METHODS)
    return everything


async def _nowhere() -> JSONResponse:
    return _error(404, _NOTHING)


async def _refuse_method(_version: Version, request: Request) -> Any:
    raise DirectoryRefusal(405, f"{request.method} means nothing here")


async def _refuse_path(_version: Version, _request: Request) -> Any:
    raise DirectoryRefusal(404, _NOTHING)


def _served(handler: Handler) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await handler(version_of(request.path_params["version"]), request))
        except DirectoryRefusal as refusal:
            return _error(refusal.status, refusal.message)
        except (StoreError, LogUnavailable, Unanswered) as trouble:
            _LOG.debug("a request to the stream directory is answered 503: %s", trouble)
            return _error(503, "the log, the store or the processor can't be reached now", {"Retry-After": "1"})

    return endpoint


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"errorMessage": message, "timestamp": now_ms()}, status, headers)
