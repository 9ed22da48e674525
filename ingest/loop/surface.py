"""Which paths are the Loop contract's, and what is true of all of them: prefix, CORS, unknown paths.

CORS is the same for the other surfaces that browsers use: players and subscribers are pages too.

The contract lives at `/` and under `/v0`, ignores the case of its own words and one trailing slash; whatever lies
outside the other surfaces is its space, where an unknown path is sent to `/v0` once and is a 404 there.
Source: contracts 2.1, 2.10 and 2.11.
"""

from typing import Final, NamedTuple

from ingest.bodies import Message, Scope, Send
from ingest.loop.replies import NOT_FOUND, Reply
from ingest.loop.request import send_reply
from storage.clock import now_ms

_PREFIX: Final = "v0"
_OTHER_SURFACES: Final = frozenset(
    {
        "",
        "v1",
        "manage",
        "streammanager",
        "users",
        "media_play_sessions",
        "api",
        "docs",
        "redoc",
        "openapi.json",
        "metrics",
        "healthz",
        "readyz",
        "live",
        "favicon.ico",
    }
)
_FOR_PAGES: Final = frozenset({"users", "media_play_sessions", "api", "streammanager"})
_ROUTES: Final = {
    ("registration", 1): frozenset({"OPTIONS", "POST"}),
    ("rooms", 1): frozenset({"OPTIONS", "GET", "HEAD", "PATCH", "POST"}),
    ("rooms", 2): frozenset({"OPTIONS", "DELETE", "GET", "HEAD", "PATCH", "POST"}),
}
_METHODS: Final = b"GET,HEAD,PUT,PATCH,POST,DELETE"


class LoopPath(NamedTuple):
    """A path in the contract's space."""

    path: str
    """As the routes spell it, without the prefix; empty if there is no such route for the method."""
    room: str
    """The room's token, or empty."""
    is_prefixed: bool


def loop_path(path: str, method: str) -> LoopPath | None:
    """Return the path as the contract sees it, or None if it belongs to another surface.

    >>> loop_path("/V0/Rooms/abc/", "POST")
    LoopPath(path='/rooms/abc', room='abc', is_prefixed=True)
    """
    parts = path.split("/")[1:]
    is_prefixed = parts[0].lower() == _PREFIX
    if is_prefixed:
        parts = parts[1:]
    elif parts[0].lower() in _OTHER_SURFACES:
        return None
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    word = parts[0].lower() if parts else ""
    if not parts or not parts[-1] or method not in _ROUTES.get((word, len(parts)), ()):
        return LoopPath("", "", is_prefixed)
    return LoopPath("/".join(["", word, *parts[1:]]), parts[1] if len(parts) > 1 else "", is_prefixed)


def is_for_pages(path: str) -> bool:
    """Tell whether a path of another surface is one that pages in browsers ask for.

    >>> is_for_pages("/users/ada/media_play_sessions"), is_for_pages("/manage/sessions")
    (True, False)
    """
    return path.split("/", 2)[1].lower() in _FOR_PAGES if path.startswith("/") else False


class CrossOrigin:
    """The contract's CORS: an allowed origin is echoed, a refused one is served without headers."""

    def __init__(self, allowed_origins: tuple[str, ...]) -> None:
        self._allowed = frozenset(origin.encode() for origin in allowed_origins)
        self._is_open = b"*" in self._allowed

    def is_allowed(self, origin: bytes) -> bool:
        """Tell whether pages of this origin may read replies."""
        return self._is_open or origin in self._allowed

    def headers(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Return what lets pages of the origin read a reply."""
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]

    def wrapped(self, send: Send, origin: bytes) -> Send:
        """Return a `send` that lets pages of the origin read the reply."""
        headers = self.headers(origin)

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        return send_with_origin

    async def preflight(self, scope: Scope, send: Send, origin: bytes) -> None:
        """Answer an OPTIONS request from anywhere."""
        if not self.is_allowed(origin):
            text = _METHODS
            await send_reply(
                send,
                Reply(200, text),
                [(b"allow", text), (b"content-type", b"text/html; charset=utf-8"), _length(text)],
            )
            return
        asked = dict(scope["headers"]).get(b"access-control-request-headers")
        headers = [(b"access-control-allow-methods", _METHODS)]
        if asked is not None:
            headers.append((b"access-control-allow-headers", asked))
        await send_reply(self.wrapped(send, origin), Reply(204), headers)


async def send_unknown(scope: Scope, send: Send, path: LoopPath) -> None:
    """Answer a path that the contract does not know: to `/v0` with it, or 404 there."""
    if path.is_prefixed:
        await send_reply(send, NOT_FOUND, NOT_FOUND.all_headers(now_ms()))
        return
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    await send_reply(send, Reply(307), [(b"location", f"/{_PREFIX}".encode() + raw), (b"content-length", b"0")])


def _length(body: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", str(len(body)).encode())
