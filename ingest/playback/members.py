"""What a client says of the session that it opens: the members of a body, JSON:API-like or flat.

Decided here, where the contract is silent: the body is read as JSON whatever its content type; none is an empty one;
members that nobody knows are ignored; `user_agent`, which named the device in older versions, goes before the header
of that name. Source: contracts 1.1 and 1.4.
"""

from typing import Any, Final, NamedTuple

import msgspec

from ingest.bodies import BodyEncodingUnknown, BodyTooLarge, BodyUnreadable, Receive, read_body
from ingest.playback.replies import bad_request, error

BODY_BYTES_MAX: Final = 64 * 1024
TEXT_CHARACTERS_MAX: Final = 200
_DECODER: Final = msgspec.json.Decoder()
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Said(NamedTuple):
    """What a client says; empty where it says nothing."""

    device_type: str
    service: str
    user_agent: str


async def read_said(content_encoding: bytes, receive: Receive) -> Said:
    """Return what the request's body says.

    Raises: PlaybackRefusal 400, 413 or 415; ClientDisconnect.
    """
    try:
        return said_in(await read_body(receive, content_encoding, BODY_BYTES_MAX))
    except BodyTooLarge:
        raise error(413, "too_large", "Too large", f"A body has at most {BODY_BYTES_MAX} bytes.") from None
    except BodyEncodingUnknown:
        raise error(415, "encoding", "Unsupported encoding", "A body may be packed by gzip or deflate.") from None
    except BodyUnreadable:
        raise bad_request("The body does not unpack.") from None


def said_in(body: bytes) -> Said:
    """Return what the body says.

    Raises: PlaybackRefusal 400.

    >>> said_in(b'{"data": {"attributes": {"device_type": "stb", "service": "live"}}}').device_type
    'stb'
    """
    attributes = _attributes(_parsed(body))
    return Said(*(_text(attributes, name) for name in Said._fields))


def _parsed(body: bytes) -> dict[str, Any]:
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        return {}
    try:
        value = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request("The body is no JSON.") from None
    if not isinstance(value, dict):
        raise bad_request("The body is no JSON object.")
    return value


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    if "data" not in value:
        return value
    data = value["data"]
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    attributes = data.get("attributes", {}) if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        raise bad_request("data is one MediaPlaySession with an object of attributes.")
    return attributes


def _text(attributes: dict[str, Any], name: str) -> str:
    value = attributes.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS_MAX:
        raise bad_request(f"{name} is a text of at most {TEXT_CHARACTERS_MAX} characters.")
    return value
