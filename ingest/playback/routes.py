"""The playback contract's routes, with and without `/api/v1/media`, and its own answer to whatever else lies there."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.routing import Route

from ingest.bodies import Receive, Scope, Send
from ingest.commands import Unanswered
from ingest.edge import Edge
from ingest.native.names import NAME
from ingest.playback.replies import PlaybackRefusal, Reply, error, unavailable
from ingest.playback.sessions import PlaySessions
from storage.store import StoreError

_LOG = logging.getLogger(__name__)

PREFIXES: Final = ("", "/api/v1/media")
OF_USER: Final = "/users/{user_id}/media_play_sessions"
_SHORT: Final = "/media_play_sessions"
_SPACES: Final = ("/users", _SHORT, "/api")

Handler = Callable[[Request], Awaitable[Reply]]


def playback_routes(edge: Edge) -> APIRouter:
    """Return the routes; `ingest.playback.described` describes them."""
    sessions = PlaySessions(edge)
    one: dict[str, Handler] = {"PATCH": sessions.keep_alive, "DELETE": sessions.delete}
    router = APIRouter(include_in_schema=False)
    for prefix in PREFIXES:
        _add(router, prefix + OF_USER, {"GET": sessions.index, "HEAD": sessions.index, "POST": sessions.create})
        _add(router, f"{prefix}{OF_USER}/{{session_id}}", {"PUT": sessions.upsert, **one})
        _add(router, f"{prefix}{_SHORT}/{{session_id}}", one)
    for space in _SPACES:
        router.routes.append(Route(f"{space}{{rest:{NAME}}}", Refusing(_no_path()), include_in_schema=False))
    return router


class Refusing:
    """Answers every request, whatever its method, in the contract's form."""

    def __init__(self, refusal: Callable[[], Reply]) -> None:
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._refusal().response()(scope, receive, send)


def _add(router: APIRouter, path: str, handlers: dict[str, Handler]) -> None:
    for method, handler in handlers.items():
        router.add_api_route(path, _served(handler), methods=[method])
    router.routes.append(Route(path, Refusing(_no_method(handlers)), include_in_schema=False))


def _served(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            reply = await handler(request)
        except PlaybackRefusal as refusal:
            reply = refusal.reply
        except (StoreError, Unanswered) as trouble:
            _LOG.debug("a request about playback is answered 503: %s", trouble)
            reply = unavailable().reply
        return reply.response()

    return endpoint


def _no_method(methods: Iterable[str]) -> Callable[[], Reply]:
    allowed = ", ".join(sorted(methods))

    def refusal() -> Reply:
        refused = error(405, "method", "Method not allowed", f"Here go {allowed}.").reply
        return Reply(refused.status, refused.value, ((b"allow", allowed.encode()),))

    return refusal


def _no_path() -> Callable[[], Reply]:
    return lambda: error(404, "not_found", "Not found", "There is nothing under this path.").reply
