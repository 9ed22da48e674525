"""One Loop request as the routes see it, and how its reply goes out."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from ingest.bodies import Scope, Send
from ingest.loop.fields import members_of, read_loop_body
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
    members: dict[str, Any] = field(default_factory=dict)
    """The body's members."""
    told: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Headers of the reply, whatever it will be."""

    def header(self, name: bytes) -> bytes:
        """Return the header's value, empty if it is missing."""
        return self.headers.get(name, b"")

    @property
    def base_url(self) -> str:
        """Scheme and host as the client addressed them."""
        host = self.header(b"host").decode("latin-1")
        return f"{self.scope['scheme']}://{host}"

    def query(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None if it is not there."""
        values = parse_qs(self.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True).get(name)
        return values[0] if values else None

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
        headers = [*self.told, *reply.all_headers(self.now_ms)]
        if self.hawk is not None:
            content_type = JSON_TYPE.decode() if reply.body else ""
            # A reply to HEAD is signed as it arrives: with the type of its body, and without the body.
            body = b"" if self.scope["method"] == "HEAD" else reply.body
            headers.append((b"server-authorization", self.hawk.server_authorization(body, content_type)))
        return headers


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
    """Return a FastAPI route's request as a Loop request, its body read, unpacked and parsed.

    Raises: LoopRefusal 413, 415 or 400.
    """
    headers = dict(request.scope["headers"])
    found = LoopRequest(request.scope, headers, await read_loop_body(headers, request.receive), now_ms())
    found.members = members_of(found.header(b"content-type"), found.body)
    return found
