"""Reading request bodies from the wire: bounded, unpacked, whole.

Shared by every contract; what to answer when it fails is each contract's own.
"""

import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import ClientDisconnect

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_WINDOW_BITS = {b"gzip": 31, b"deflate": 15}


class BodyTooLarge(Exception):
    """The body, or what it unpacks to, is larger than what is taken."""


class BodyEncodingUnknown(Exception):
    """The body has a Content-Encoding other than gzip, deflate or identity."""


class BodyUnreadable(Exception):
    """The body does not unpack."""


async def read_body(receive: Receive, content_encoding: bytes, limit_bytes: int) -> bytes:
    """Return the unpacked body; reads no more of it than the limit.

    Raises: BodyTooLarge, BodyEncodingUnknown, BodyUnreadable, ClientDisconnect.
    """
    message = await receive()
    body = _part(message)
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            parts.append(_part(message))
            size += len(parts[-1])
            if size > limit_bytes:
                raise BodyTooLarge
        body = b"".join(parts)
    if len(body) > limit_bytes:
        raise BodyTooLarge
    encoding = content_encoding.strip().lower()
    return body if encoding in (b"", b"identity") else _unpacked(body, encoding, limit_bytes)


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    return part


def _unpacked(body: bytes, encoding: bytes, limit_bytes: int) -> bytes:
    window_bits = _WINDOW_BITS.get(encoding)
    if window_bits is None:
        raise BodyEncodingUnknown
    unpacker = zlib.decompressobj(window_bits)
    try:
        data = unpacker.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise BodyUnreadable from error
    if len(data) > limit_bytes:
        raise BodyTooLarge
    if not unpacker.eof:
        raise BodyUnreadable
    return data
