"""GET /v1/live: the feed, as server-sent events."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from ingest.live.event_stream import EventStream
from ingest.live.feed import LiveFeed
from ingest.live.watchers import TooManyWatchers
from ingest.native.described import security, trouble


def feed_routes(feed: LiveFeed, check_reader: Callable[[Request], None], *, is_open: bool) -> APIRouter:
    """Return the route; an open one needs no token."""
    router = APIRouter(prefix="/v1", tags=["native"], dependencies=[Depends(check_reader)])
    events = {"description": "server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}

    @router.get(
        "/live",
        response_class=Response,
        responses={200: events, **trouble(401, 503)},
        openapi_extra=security(is_open=is_open),
    )
    async def get_live() -> Response:
        """Send who is live and in which state, then every change, a few times a second.

        Events: `snapshot` (everything), `update` (what changed), `health`, `beat` (nothing changed).
        """
        try:
            watcher = feed.enter()
        except TooManyWatchers:
            raise HTTPException(503, "too many watch already", {"Retry-After": "5"}) from None
        return EventStream(feed.messages(watcher), lambda: feed.leave(watcher))

    return router
