"""The members of a Loop request's body: JSON or a form; any other content type counts as an empty body.

Malformed bodies are refused before anything else is looked at, as the original's body parser did.
Source: contracts 2.1 and 2.11.
"""

from typing import Any, Final

import msgspec

from ingest.bodies import BodyEncodingUnknown, BodyTooLarge, BodyUnreadable, Receive, read_body
from ingest.loop.forms import form_members
from ingest.loop.replies import BADJSON, REQUEST_TOO_LARGE, UNDEFINED, LoopRefusal, error, invalid

BODY_BYTES_MAX: Final = 100 * 1024
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DECODER: Final = msgspec.json.Decoder()


async def read_loop_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """Return the request's unpacked body.

    Raises: LoopRefusal with 413, 415 or 400.
    """
    try:
        return await read_body(receive, headers.get(b"content-encoding", b""), BODY_BYTES_MAX)
    except BodyTooLarge:
        raise error(413, REQUEST_TOO_LARGE, "Request body is too large.") from None
    except BodyEncodingUnknown:
        raise error(415, UNDEFINED, "Unsupported content encoding.") from None
    except BodyUnreadable:
        raise invalid_json() from None


def members_of(content_type: bytes, body: bytes) -> dict[str, Any]:
    """Return the body's members; a JSON array has none.

    Raises: LoopRefusal 415 for a charset other than UTF-8, 400/106 for malformed JSON, 400/107 for a member over which
    the original fell: it asked each body for its own `hasOwnProperty`.
    """
    media_type, charset = _parsed_type(content_type)
    if media_type not in (_JSON, _FORM):
        return {}
    if charset not in ("", "utf-8", "utf8"):
        raise error(415, UNDEFINED, "Unsupported charset.")
    if not body:
        return {}
    if media_type == _FORM:
        return form_members(body)
    try:
        value = _DECODER.decode(body.removeprefix(_BYTE_ORDER_MARK))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise invalid_json() from None
    if isinstance(value, list):
        return {}
    if not isinstance(value, dict):
        raise invalid_json()
    if "hasOwnProperty" in value:
        raise invalid("Invalid hasOwnProperty.")
    return value


def invalid_json() -> LoopRefusal:
    """Return the refusal of a body that does not parse."""
    return error(400, BADJSON, "Invalid JSON in body.")


def _parsed_type(content_type: bytes) -> tuple[str, str]:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media_type.strip(), value.strip().strip('"')
    return media_type.strip(), ""
