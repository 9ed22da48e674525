"""HTTP as uvicorn and httptools speak it, with bounds on what a slow or broken client may hold.

A request's head must come within `HEAD_S` and in `HEAD_BYTES_MAX`; while a body comes, or a reply is taken, something
must move within `STALL_S`; and there are only so many connections. Whoever keeps to that is not delayed by any of it.
What is no HTTP at all is answered 400 and told in the log with who sent it.
"""

import asyncio
import logging
import resource
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ingest.repeated_head import RepeatedHead, repeated_head
from ingest.short_request import ShortRequest, ShortWay

_LOG = logging.getLogger(__name__)
HEAD_S: Final = 20.0
HEAD_BYTES_MAX: Final = 64 * 1024
STALL_S: Final = 30.0
_FILES_WANTED: Final = 65_536
_FILES_KEPT: Final = 256
"""Open files that are left to the log, the store's client and whatever else is not a client's connection."""
_PASSED_ON: Final = b"x-forwarded-for"
_TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def raised_connections_max() -> int:
    """Let this process open as many files as it may, and return how many connections that leaves room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    files = _FILES_WANTED if soft == resource.RLIM_INFINITY else soft
    return max(files - _FILES_KEPT, files // 2)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    connections_max = 1 << 30
    head_s = HEAD_S
    stall_s = STALL_S

    def __init__(self, *args: Any, short_way: ShortWay | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._short_way = short_way
        self._short: ShortRequest | None = None
        self._data_between = b""
        """What came since the last request was whole."""
        self._repeated: RepeatedHead | None = None
        self._idle_since_s = 0.0
        self._is_in_head = True
        self._is_in_body = False
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._reply_deadline: asyncio.TimerHandle | None = None
        self._under_way: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > self.connections_max:
            transport.write(_TOO_MANY)
            transport.close()
        else:
            self._deadline = self.loop.call_later(self.head_s, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        self.resume_writing()
        # uvicorn tells only the request that came last; of several sent at once another one may be under way.
        self.pipeline.clear()
        if self._under_way is not None:
            self._under_way.disconnected = True
            self._under_way.message_event.set()
        if isinstance(self.cycle, ShortRequest):
            self.cycle = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see to it that the rest follows."""
        if self._is_in_head:
            self._head_bytes += len(data)
        elif not self._is_in_body:
            if self._repeated is not None and self._is_taken_again(self._repeated, data):
                self._stop_waiting()
                return
            self._data_between = data
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # there is nothing to upgrade to; the request is served as it is
        except httptools.HttpParserError as error:
            _LOG.warning("%s sent what is no HTTP request: %s", self._peer, error)
            self.send_400_response("Invalid HTTP request received.")
            return
        finally:
            self._data_between = b""
        if self._is_in_body:
            self._stop_waiting()
            self._deadline = self.loop.call_later(self.stall_s, self.transport.abort)
        elif self._is_in_head and self._head_bytes > HEAD_BYTES_MAX:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif not self._is_in_head and self._is_replying:
            self._stop_waiting()  # a request is whole
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_s, self.transport.abort)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._is_in_head = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Note that a body may follow."""
        self._is_in_head = False
        self._is_in_body = True
        self._head_bytes = 0
        self._short = self._short_request()
        if self._short is None:
            self._begin_cycle()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._short is None:
            super().on_body(body)
        else:
            self._short.body += body

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._is_in_body = False
        request, self._short = self._short, None
        if request is not None:
            if self._is_taken(request):
                self._repeated = repeated_head(self._data_between, request.body, request.room, request.headers)
                return
            self._begin_cycle()
            super().on_body(request.body)
        super().on_message_complete()

    @property
    def _is_replying(self) -> bool:
        """Whether a request is whole whose reply is not."""
        return self.cycle is not None and not self.cycle.response_complete

    def _short_request(self) -> ShortRequest | None:
        """Return the request whose head has come if it may go the short way."""
        if (
            self._short_way is None
            or self._is_replying
            or self.flow.write_paused
            or self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
        ):
            return None
        headers = dict(self.headers)
        if _PASSED_ON in headers and len(headers) < len(self.headers):
            return None  # several may have passed it on, each in a line of its own; the long way puts them together
        room = self._short_way.room_of(self.url, headers)
        return None if room is None else ShortRequest(self, room, headers)

    def _is_taken_again(self, head: RepeatedHead, data: bytes) -> bool:
        """Tell whether the data is a request with the head that came before and is taken as such."""
        if self._is_replying or self.flow.write_paused:
            return False
        body = head.body_of(data)
        if body is None:
            return False
        request = ShortRequest(self, head.room, head.headers)
        request.body = body
        return self._is_taken(request)

    def _is_taken(self, request: ShortRequest) -> bool:
        try:
            is_taken = self._short_way is not None and self._short_way.take(request)
        except Exception:
            # httptools would make it a fault of the request; the long way says what is wrong.
            _LOG.exception("a status could not go the short way")
            is_taken = False
        if not is_taken:
            return False
        self.cycle = request  # type: ignore[assignment]  # has what uvicorn asks of a cycle
        return True

    def _begin_cycle(self) -> None:
        """Have uvicorn make what an application needs of the request whose head has come."""
        url, headers, is_expecting_100 = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, is_expecting_100
        self.headers += headers
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on with what else has come, or wait for it."""
        self._idle_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:  # the timer looks for itself how long nothing came
            self.server_state.total_requests += 1
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up if nothing came for as long as that; else look again when it may be so."""
        self.timeout_keep_alive_task = None
        if self._is_replying:
            return  # the reply sets the timer
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """Wait for the client to take its reply, but not for ever."""
        self._reply_deadline = self.loop.call_later(self.stall_s, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on replying."""
        if self._reply_deadline is not None:
            self._reply_deadline.cancel()
            self._reply_deadline = None
            super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _peer(self) -> str:
        return "somebody" if self.client is None else f"{self.client[0]}:{self.client[1]}"

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
