"""The short way of a plain status: from its parsed head to its reply without an ASGI call or a task of its own.

The protocol asks first whether a request's head may be that of a plain status, and hands it over once its body is
there. All statuses of one group commit are answered together, by one callback. What is not taken here goes the long
way, through the application, which would give the same reply. Source: design section 2, contract 2.6.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ingest.loop.plain_status import PlainStatuses
from ingest.loop.replies import NO_CONTENT, unavailable
from ingest.loop.surface import CrossOrigin
from ingest.metrics import Metrics
from ingest.short_request import ShortRequest, header_lines, reply_start
from ingest.writer import Durable
from storage.clock import now_ms

_ROOM_PATH: Final = re.compile(rb"(?:/v0)?/rooms/([A-Za-z0-9_-]+)").fullmatch
_LENGTH: Final = re.compile(rb"[0-9]{1,4}").fullmatch
_LONG: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
"""Headers that only the long way understands."""


class ShortWay:
    """Answers plain statuses of known sessions; who sent what was passed on is told as `behind_proxy` tells it."""

    def __init__(
        self,
        statuses: PlainStatuses,
        cross_origin: CrossOrigin,
        metrics: Metrics,
        behind_proxy: ProxyHeadersMiddleware,
    ) -> None:
        self._taken = statuses.taken
        self._proxies = behind_proxy.trusted_hosts
        self._cross_origin = cross_origin
        self._count = {status: metrics.loop_replies.labels(status=str(status)).inc for status in (204, 503)}
        self._group: Durable | None = None
        self._waiting: list[ShortRequest] = []

    def room_of(self, url: bytes, headers: Mapping[bytes, bytes]) -> str | None:
        """Return the room of a POST whose head may be that of a plain status, or None."""
        path = _ROOM_PATH(url)
        if (
            path is None
            or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
            or not _LENGTH(headers.get(b"content-length", b""))
            or not headers.keys().isdisjoint(_LONG)
        ):
            return None
        return path[1].decode()

    def take(self, request: ShortRequest) -> bool:
        """Take a request whose body is whole, and answer it later; False: it is not plainly acceptable."""
        durable = self._taken(request.headers, request.body, request.room, self._client_of(request), now_ms())
        if durable is None:
            return False
        origin = request.headers.get(b"origin")
        if origin and self._cross_origin.is_allowed(origin):
            request.further_headers = header_lines(self._cross_origin.headers(origin))
        if durable is not self._group or durable.done():
            self._group, self._waiting = durable, []
            durable.add_done_callback(partial(self._answer, self._waiting))
        self._waiting.append(request)
        return True

    def _client_of(self, request: ShortRequest) -> str:
        """Return the address of the client, or of whom a proxy that is believed had it from."""
        passed_on = request.headers.get(b"x-forwarded-for")
        if passed_on is None or request.client not in self._proxies:
            return request.client
        return self._proxies.get_trusted_client_address(passed_on.decode("latin-1"))[0] or request.client

    def _answer(self, waiting: list[ShortRequest], durable: Durable) -> None:
        """Answer all statuses of a group."""
        reply = NO_CONTENT if durable.result() else unavailable().reply
        self._count[reply.status](len(waiting))
        start = reply_start(reply.status, [*waiting[0].default_headers, *reply.all_headers(now_ms())])
        for request in waiting:
            request.reply(start, reply.body)
