"""A head that a connection sent before: the next one that differs in nothing but its Content-Length need not be parsed.

Clients send all their statuses with the same head. What follows from it is the same too, so a copy of its bytes stands
for the parser; only one that came whole, alone and between two requests is compared.
"""

import re
from typing import Final

_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]{1,4})\r\n", re.IGNORECASE)
_DIGITS_MAX: Final = 4
_END: Final = b"\r\n\r\n"


class RepeatedHead:
    """What a head said, and its bytes around the number of its Content-Length."""

    __slots__ = ("_after", "_before", "headers", "room")

    def __init__(self, before: bytes, after: bytes, room: str, headers: dict[bytes, bytes]) -> None:
        self._before = before
        self._after = after
        self.room = room
        self.headers = headers

    def body_of(self, data: bytes) -> bytes | None:
        """Return the body if the data is one whole request with this head, or None."""
        before, after = self._before, self._after
        if not data.startswith(before):
            return None
        start = len(before)
        end = data.find(b"\r", start, start + _DIGITS_MAX + 1)
        if end < 0 or not data.startswith(after, end):
            return None
        length, body = data[start:end], data[end + len(after) :]
        return body if length.isdigit() and int(length) == len(body) else None


def repeated_head(data: bytes, body: bytes, room: str, headers: dict[bytes, bytes]) -> RepeatedHead | None:
    """Return the head of the one request that the data is, or None if it is not one with a plain Content-Length."""
    head_bytes = len(data) - len(body)
    length = _CONTENT_LENGTH.search(data, 0, head_bytes)
    if length is None or data.find(_END) + len(_END) != head_bytes:
        return None
    return RepeatedHead(data[: length.start(1)], data[length.end(1) : head_bytes], room, headers)
