"""What the Loop contract answers: error bodies, their numbers and texts, and the headers that go by status.

Bodies are wire literals that clients compare byte for byte. Source: contracts 2.1 to 2.6 and 2.11.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

INVALID_TOKEN: Final = 105
BADJSON: Final = 106
INVALID_PARAMETERS: Final = 107
MISSING_PARAMETERS: Final = 108
INVALID_AUTH_TOKEN: Final = 110
EXPIRED: Final = 111
REQUEST_TOO_LARGE: Final = 113
CLIENT_REACHED_CAPACITY: Final = 121
BACKEND: Final = 201
ROOM_FULL: Final = 202
NOT_ROOM_PARTICIPANT: Final = 203
UNDEFINED: Final = 999

RETRY_AFTER_S: Final = b"30"
JSON_TYPE: Final = b"application/json; charset=utf-8"

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: status, body, and headers beside those that go by status."""

    status: int
    body: bytes = b""
    headers: Headers = field(default=())

    def all_headers(self, now_ms: int) -> list[tuple[bytes, bytes]]:
        """Return the headers in full: what a body needs, `Timestamp` on 200 and 401, `Retry-After` on 503."""
        headers = list(self.headers)
        if self.body:
            headers += [(b"content-type", JSON_TYPE), (b"content-length", str(len(self.body)).encode())]
        elif self.status != NO_CONTENT.status:
            headers.append((b"content-length", b"0"))
        if self.status in (200, 401):
            headers.append((b"timestamp", str(now_ms // 1000).encode()))
        elif self.status in (429, 503):
            headers.append((b"retry-after", RETRY_AFTER_S))
        return headers


class LoopRefusal(Exception):
    """A request that is answered with an error; `reply` is the whole answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def json_reply(value: Any, status: int = 200) -> Reply:
    """Return a reply with a JSON body."""
    return Reply(status, msgspec.json.encode(value))


def error(code: int, errno: int, text: Any, challenge: str = "") -> LoopRefusal:
    """Return the refusal with the contract's error body `{code, errno, error}`."""
    headers: Headers = ((b"www-authenticate", challenge.encode("latin-1", "replace")),) if challenge else ()
    return LoopRefusal(Reply(code, msgspec.json.encode({"code": code, "errno": errno, "error": text}), headers))


def invalid(text: str) -> LoopRefusal:
    """Return the refusal of a parameter that is wrong."""
    return error(400, INVALID_PARAMETERS, text)


def missing(text: str) -> LoopRefusal:
    """Return the refusal of a request that lacks parameters."""
    return error(400, MISSING_PARAMETERS, text)


def unavailable() -> LoopRefusal:
    """Return the refusal when the log, the store or the processor can't be reached."""
    return error(503, BACKEND, "Service Unavailable")


def room_not_found() -> LoopRefusal:
    """Return the refusal of every action on a room that does not exist."""
    return error(404, INVALID_TOKEN, "Token not found.")


def not_in_room() -> LoopRefusal:
    """Return the refusal of a status from somebody who is not in the room."""
    return error(400, NOT_ROOM_PARTICIPANT, "Can't update status for a room you aren't in.")


NO_CONTENT: Final = Reply(204)
EMPTY: Final = Reply(200)
NOT_FOUND: Final = error(404, UNDEFINED, "Resource not found.").reply
