"""The HTTP application: every surface in one FastAPI app, with the room actions answered before its routing.

Source: design sections 2 and 8.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ingest.access import is_loopback, token_required, token_required_unless_loopback
from ingest.bodies import Receive, Scope, Send
from ingest.control.routes import control_routes
from ingest.counted_replies import CountedReplies
from ingest.edge import Edge, EdgeLimits
from ingest.live.assets import asset_routes
from ingest.live.feed import LiveFeed
from ingest.live.feed_routes import feed_routes
from ingest.live.panel_routes import panel_routes
from ingest.loop.actions import RoomActions
from ingest.loop.authentication import Authentication
from ingest.loop.endpoint import RoomActionEndpoint
from ingest.loop.hawk import HawkGate
from ingest.loop.plain_status import PlainStatuses
from ingest.loop.registration import Registration
from ingest.loop.room_views import RoomViews
from ingest.loop.rooms import Rooms
from ingest.loop.routes import loop_routes
from ingest.loop.short_way import ShortWay
from ingest.loop.surface import CrossOrigin, is_for_pages, loop_path, send_unknown
from ingest.loop.users import HawkUsers
from ingest.native.read_routes import read_routes
from ingest.native.write_routes import write_routes
from ingest.operation import operation_routes
from ingest.playback.routes import playback_routes
from ingest.reference import reference_routes
from ingest.siblings import Sibling
from ingest.store_gate import StoreGate
from ingest.streams.routes import stream_routes
from storage.event_log import EventLog, LogUnavailable
from storage.settings import Settings
from storage.store import Store, StoreError

_LOG = logging.getLogger(__name__)
_DESCRIPTION: Final = """Status updates of video-chat rooms, durably logged, judged and queryable.

The Loop paths also work under `/v0`."""


class IngestApp(FastAPI):
    """FastAPI, with the Loop contract's paths sorted out first."""

    edge: Edge
    live: LiveFeed
    room_action: RoomActionEndpoint
    counted: CountedReplies
    short_way: ShortWay
    """Answers most statuses before they come here (ingest/http_protocol.py)."""
    cross_origin: CrossOrigin
    behind_proxy: ProxyHeadersMiddleware
    """Serves requests that say they were passed on; whom to believe is uvicorn's rule (FORWARDED_ALLOW_IPS)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and the end of the application."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"x-forwarded-for" in headers or b"x-forwarded-proto" in headers:
            await self.behind_proxy(scope, receive, send)  # type: ignore[arg-type]  # the same, spelled as types
        else:
            await self.serve(scope, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request whose scope says who sent it."""
        method = scope["method"]
        path = loop_path(scope["path"], method)
        origin = dict(scope["headers"]).get(b"origin", b"")
        if path is None:
            send = self.counted.of(send, scope["path"])
            if origin and is_for_pages(scope["path"]) and self.cross_origin.is_allowed(origin):
                if method == "OPTIONS":
                    await self.cross_origin.preflight(scope, send, origin)
                    return
                send = self.cross_origin.wrapped(send, origin)
            await super().__call__(scope, receive, send)
            return
        if not path.room or method != "POST":
            send = self.counted.of(send, scope["path"])
        if method == "OPTIONS":
            if path.room or path.path or self.cross_origin.is_allowed(origin):
                await self.cross_origin.preflight(scope, send, origin)
            else:
                await send_unknown(scope, send, path)
            return
        if origin and self.cross_origin.is_allowed(origin):
            send = self.cross_origin.wrapped(send, origin)
        if path.room and method == "POST":
            await self.room_action(scope, receive, send, path.room)
        elif path.path:
            await super().__call__({**scope, "path": path.path}, receive, send)
        else:
            await send_unknown(scope, send, path)


def create_app(
    settings: Settings,
    log: EventLog,
    store: Store | StoreGate,
    limits: EdgeLimits | None = None,
    sibling: Sibling | None = None,
) -> IngestApp:
    """Return the application over this log and store; its lifespan starts and stops what it needs.

    The log stays open after it; a store is closed with it.
    """
    edge = Edge(settings, log, store if isinstance(store, StoreGate) else StoreGate.of(store), limits, sibling)

    app = IngestApp(
        title="Roomstate", description=_DESCRIPTION, lifespan=_running, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.edge = edge
    app.live = LiveFeed(edge)
    app.counted = CountedReplies(edge.metrics)
    app.behind_proxy = ProxyHeadersMiddleware(
        cast(Any, app.serve), trusted_hosts=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
    )
    app.cross_origin = CrossOrigin(settings.allowed_origins)
    users = HawkUsers(edge.keys, edge.commands, edge.store)
    authentication = Authentication(edge.directory, edge.tokens, HawkGate(users, edge.nonces))
    statuses = PlainStatuses(edge)
    app.room_action = RoomActionEndpoint(edge, RoomActions(edge, authentication), statuses)
    app.short_way = ShortWay(statuses, app.cross_origin, edge.metrics, app.behind_proxy)
    views = RoomViews(edge, authentication)
    app.include_router(loop_routes(Registration(authentication, users), Rooms(edge, authentication, views), views))
    app.include_router(playback_routes(edge))
    app.include_router(control_routes(edge))
    app.include_router(stream_routes(edge))
    _add_own_routes(app, settings)
    for trouble in (StoreError, LogUnavailable):
        app.add_exception_handler(trouble, _unavailable)
    app.add_exception_handler(ClientDisconnect, _gone)
    return app


def _add_own_routes(app: IngestApp, settings: Settings) -> None:
    """Add what is under no contract: the native interface, the live page, what operators ask, the description."""
    check_reader = token_required_unless_loopback(settings.bearer_token(), settings.host)
    is_open = is_loopback(settings.host)
    app.include_router(write_routes(app.edge, token_required(settings.bearer_token())))
    app.include_router(read_routes(app.edge, check_reader, is_open=is_open))
    app.include_router(panel_routes(app.edge, check_reader, is_open=is_open))
    app.include_router(feed_routes(app.live, check_reader, is_open=is_open))
    app.include_router(asset_routes(check_reader))
    app.include_router(operation_routes(app.edge, check_reader))
    app.include_router(reference_routes(app, check_reader))


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    edge = cast(IngestApp, app).edge
    await edge.start()
    yield
    cast(IngestApp, app).live.end()
    await edge.stop()


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the client hung up before its request was whole."""
    return Response(status_code=400)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    _LOG.debug("%s %s is answered 503: %s", request.method, request.url.path, error)
    return JSONResponse({"detail": "the log or the store can't be reached now"}, 503, {"Retry-After": "1"})
