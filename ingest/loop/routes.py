"""The Loop contract's routes as FastAPI knows them, but for the actions inside a room, which the endpoint serves."""

import logging
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response

from ingest.commands import Unanswered
from ingest.loop.registration import Registration
from ingest.loop.replies import LoopRefusal, Reply, unavailable
from ingest.loop.request import LoopRequest, request_of, response_of
from ingest.loop.room_views import RoomViews
from ingest.loop.rooms import Rooms
from storage.store import StoreError

_LOG = logging.getLogger(__name__)

Handler = Callable[[LoopRequest], Awaitable[Reply]]


def loop_routes(registration: Registration, rooms: Rooms, views: RoomViews) -> APIRouter:
    """Return the routes; `ingest.loop.described` describes them."""
    router = APIRouter(include_in_schema=False)
    for path, methods, handler in (
        ("/registration", ["POST"], registration.register),
        ("/rooms", ["POST"], rooms.create),
        ("/rooms", ["GET", "HEAD"], views.list_owned),
        ("/rooms", ["PATCH"], rooms.delete_several),
        ("/rooms/{token}", ["GET", "HEAD"], views.show),
        ("/rooms/{token}", ["PATCH"], rooms.update),
        ("/rooms/{token}", ["DELETE"], rooms.delete),
    ):
        router.add_api_route(path, _served(handler), methods=methods)
    return router


def _served(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            loop_request = await request_of(request)
        except LoopRefusal as refusal:
            return response_of(refusal.reply, refusal.reply.all_headers(0))
        reply = await _answered(handler, loop_request)
        return response_of(reply, loop_request.full_headers(reply))

    return endpoint


async def _answered(handler: Handler, request: LoopRequest) -> Reply:
    try:
        return await handler(request)
    except LoopRefusal as refusal:
        return refusal.reply
    except (StoreError, Unanswered) as trouble:
        _LOG.debug("a request about rooms is answered 503: %s", trouble)
        return unavailable().reply
