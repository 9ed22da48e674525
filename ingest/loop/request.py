"""One Loop request as the routes see it, and how its reply goes out."""

from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from ingest.bodies import Receive, Scope, Send
from ingest.loop.fields import read_loop_body
from ingest.loop.hawk import HawkCaller, HawkRequest
from ingest.loop.replies import JSON_TYPE, Reply
from storage.clock import now_ms


@dataclass(slots=True)
class LoopRequest:
    """A request with its whole body.

    Units: `now_ms` is when it was received.
    """

    scope: Scope
    headers: dict[bytes, bytes]
    body: bytes
    now_ms: int
    hawk: HawkCaller | None = field(default=None)
    """Set once the sender turned out to be a Hawk user: their reply is signed."""

    def header(self, name: bytes) -> bytes:
        """Return the header's value, empty if it is missing."""
        return self.headers.get(name, b"")

    @property
    def base_url(self) -> str:
        """Scheme and host as the client addressed them."""
        host = self.header(b"host").decode("latin-1")
        return f"{self.scope['scheme']}://{host}"

    def as_hawk(self) -> HawkRequest:
        """Return what a Hawk MAC covers."""
        path: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        query: bytes = self.scope.get("query_string", b"")
        target = (path + b"?" + query if query else path).decode("latin-1")
        return HawkRequest(
            method=self.scope["method"],
            url=self.base_url + target,
            header=self.header(b"authorization"),
            content_type=self.header(b"content-type"),
            body=self.body,
        )

    def full_headers(self, reply: Reply) -> list[tuple[bytes, bytes]]:
        """Return the reply's headers, signed for a Hawk user."""
        headers = reply.all_headers(self.now_ms)
        if self.hawk is not None:
            content_type = JSON_TYPE.decode() if reply.body else ""
            headers.append((b"server-authorization", self.hawk.server_authorization(reply.body, content_type)))
        return headers


async def loop_request(scope: Scope, receive: Receive) -> LoopRequest:
    """Return the request, its body read and unpacked.

    Raises: LoopRefusal 413, 415 or 400.
    """
    headers = dict(scope["headers"])
    return LoopRequest(scope, headers, await read_loop_body(headers, receive), now_ms())


async def send_reply(send: Send, reply: Reply, headers: list[tuple[bytes, bytes]]) -> None:
    """Send the reply with these headers."""
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def response_of(reply: Reply, headers: list[tuple[bytes, bytes]]) -> Response:
    """Return the reply as what a FastAPI route returns."""
    response = Response(reply.body, reply.status)
    response.raw_headers = headers
    return response


async def request_of(request: Request) -> LoopRequest:
    """Return a FastAPI route's request as a Loop request.

    Raises: LoopRefusal 413, 415 or 400.
    """
    return await loop_request(request.scope, request.receive)
