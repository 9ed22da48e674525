"""A request that is answered without an ASGI application, and what decides which ones are.

The protocol (ingest/http_protocol.py) parses and replies; who implements `ShortWay` knows what the requests mean.
"""

from collections.abc import Iterable
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol


class ShortRequest:
    """One request; until it is answered it stands where uvicorn keeps the cycle under way."""

    __slots__ = ("_connection", "body", "further_headers", "headers", "keep_alive", "response_complete", "room")

    def __init__(self, connection: HttpToolsProtocol, room: str, headers: dict[bytes, bytes]) -> None:
        self._connection = connection
        self.room = room
        self.headers = headers
        self.body = b""
        self.further_headers = b""
        """Lines of the reply's head that only this one has."""
        self.keep_alive = True
        """uvicorn takes it back when it is to end."""
        self.response_complete = False

    @property
    def client(self) -> str:
        """The client's address, empty if it is not known."""
        client = self._connection.client
        return client[0] if client else ""

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """What uvicorn says in the head of every reply."""
        return self._connection.server_state.default_headers

    def reply(self, start: bytes, body: bytes) -> None:
        """Send the reply, of which `start` is the head without its end, unless the client is gone."""
        self.response_complete = True
        transport = self._connection.transport
        if transport.is_closing():
            return
        if self.keep_alive:
            transport.write(b"%b%b\r\n%b" % (start, self.further_headers, body))
        else:
            transport.write(b"%b%bconnection: close\r\n\r\n%b" % (start, self.further_headers, body))
            transport.close()
        self._connection.on_response_complete()


class ShortWay(Protocol):
    """Answers some requests by itself."""

    def room_of(self, url: bytes, headers: dict[bytes, bytes]) -> str | None:
        """Return the room of a POST that may go the short way, or None."""

    def take(self, request: ShortRequest) -> bool:
        """Take a whole request and answer it later, by its `reply`, not before this returns; False: it is not taken."""


def reply_start(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head of a reply without its end."""
    return STATUS_LINE[status] + header_lines(headers)


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the headers as lines of a head."""
    return b"".join(b"%b: %b\r\n" % each for each in headers)
