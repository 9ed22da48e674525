"""What the playback contract answers: JSON bodies, and one form of error for everything.

An error is the bare object `{id, code, title, details}`. `code` says which error it is, `id` which occurrence: an
integer below 2^53. Where a decision stands behind it, the id is the place of that decision in the log, and finds its
row (`occurrence_of`); of errors that no row tells of it is random, and 2^52 or more.
403 means that playback must not start, and nothing else does. Source: contract 1.5; decisions 8.1 and 8.5.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.responses import Response

from storage.decisions import Decision

JSON_TYPE: Final = b"application/json"
RETRY_AFTER_S: Final = b"1"
LINES_PER_FRAME: Final = 8192
"""More than a frame of inputs that are waited for can hold."""
_PLACES: Final = 1 << 52

CODES: Final = {
    "limit": "df1e80a",
    "killed": "e0d1a7b",
    "replaced": "e0d2a7b",
    "bad_request": "bad4000",
    "unauthorized": "bad4010",
    "not_found": "bad4040",
    "method": "bad4050",
    "conflict": "bad4090",
    "too_large": "bad4130",
    "encoding": "bad4150",
    "unavailable": "bad5030",
    "off": "bad5031",
}
"""By error; the limit's is the published one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply."""

    status: int
    value: Any = None
    """The body before it is JSON; None = no body."""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())

    def response(self) -> Response:
        """Return it as what a route returns."""
        if self.value is None:
            response = Response(status_code=self.status)
            response.raw_headers = list(self.headers)
            return response
        body = msgspec.json.encode(self.value)
        response = Response(body, self.status)
        response.raw_headers = [
            (b"content-type", JSON_TYPE),
            (b"content-length", str(len(body)).encode()),
            *self.headers,
        ]
        return response


class PlaybackRefusal(Exception):
    """A request that is answered with an error; `reply` is the whole answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def occurrence_of(decision: Decision, partitions: int) -> int:
    """Return the id of the error that the decision is: its place in the log as one number.

    Guarantees: of 2^52 / 8192 frames no two inputs that are waited for have the same.
    """
    partition, offset, index, _ = decision.place
    return ((offset * partitions + partition) * LINES_PER_FRAME + index) % _PLACES


def error(
    status: int, name: str, title: str, details: str, occurrence: int | None = None, **more: Any
) -> PlaybackRefusal:
    """Return the refusal with the contract's error body; `more` are members beside the four."""
    number = _PLACES | secrets.randbits(52) if occurrence is None else occurrence
    body = {"id": number, "code": CODES[name], "title": title, "details": details, **more}
    return PlaybackRefusal(Reply(status, body, _HEADERS.get(name, ())))


def bad_request(details: str) -> PlaybackRefusal:
    """Return the refusal of a body or a name that is wrong."""
    return error(400, "bad_request", "Bad request", details)


def unauthorized(details: str) -> PlaybackRefusal:
    """Return the refusal of somebody without a good token."""
    return error(401, "unauthorized", "Not authenticated", details)


def not_found(occurrence: int | None = None) -> PlaybackRefusal:
    """Return the refusal for what is not there, or not the user's: the same for both."""
    return error(404, "not_found", "Not found", "You have no such media play session.", occurrence)


def unavailable() -> PlaybackRefusal:
    """Return the refusal when log, store or processor can't be reached."""
    return error(503, "unavailable", "Unavailable", "The session could not be counted now; playback may start.")


def off(details: str) -> PlaybackRefusal:
    """Return the refusal while playback sessions are not set up."""
    return error(503, "off", "Playback sessions are off", details)


_HEADERS: Final = {
    "unauthorized": ((b"www-authenticate", b'Bearer error="invalid_token"'),),
    "unavailable": ((b"retry-after", RETRY_AFTER_S),),
}
