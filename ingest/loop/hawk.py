"""Hawk authentication of one request, by the `mohawk` library, with the contract's refusals.

Checked in this order: the header's form, the id, the MAC, the hash of the body if the client sent one, whether the
nonce was seen before, the timestamp. Nonces are remembered for as long as their timestamps would be accepted
(ingest/nonces.py says by whom). Source: contracts 2.2 and 2.11.
"""

from typing import Any, Final

from mohawk import Receiver
from mohawk.exc import (
    AlreadyProcessed,
    BadHeaderValue,
    HawkFail,
    MacMismatch,
    MisComputedContentHash,
    TokenExpired,
)
from mohawk.util import calculate_ts_mac, parse_authorization_header

from ingest.loop.replies import INVALID_AUTH_TOKEN, LoopRefusal, error
from ingest.loop.users import HawkUser, HawkUsers
from ingest.nonces import SeenNonces

ALGORITHM: Final = "sha256"
_SKEW_S: Final = 60
_REQUIRED: Final = ("id", "ts", "nonce", "mac")
_TIMESTAMP_DIGITS_MAX: Final = 15


class HawkRequest:
    """The parts of a request that its MAC covers."""

    __slots__ = ("body", "content_type", "header", "method", "url")

    def __init__(self, method: str, url: str, header: bytes, content_type: bytes, body: bytes) -> None:
        self.method = method
        self.url = url
        self.header = header.decode("latin-1")
        self.content_type = content_type.decode("latin-1")
        self.body = body


class HawkCaller:
    """An authenticated Hawk user, and the signer of the reply to them."""

    __slots__ = ("_receiver", "user")

    def __init__(self, user: str, receiver: Any) -> None:
        self.user = user
        self._receiver = receiver

    def server_authorization(self, body: bytes, content_type: str) -> bytes:
        """Return the value of the reply's `Server-Authorization` header."""
        signed: str = self._receiver.respond(content=body, content_type=content_type)
        return signed.encode()


class HawkGate:
    """Lets genuine Hawk requests in."""

    def __init__(self, users: HawkUsers, nonces: SeenNonces) -> None:
        self._users = users
        self._nonces = nonces

    async def verify(self, request: HawkRequest) -> HawkCaller:
        """Return who sent the request.

        Raises: LoopRefusal 400 or 401, StoreUnavailable.
        """
        attributes = _attributes(request.header)
        user = await self._users.find(attributes["id"])
        if user is None:
            raise hawk_refusal("Unknown credentials")
        return self._checked(request, user, attributes)

    def _checked(self, request: HawkRequest, user: HawkUser, attributes: dict[str, str]) -> HawkCaller:
        credentials = {"id": attributes["id"], "key": user.key, "algorithm": ALGORITHM}
        try:
            receiver = Receiver(
                lambda _: credentials,
                request.header,
                request.url,
                request.method,
                content=request.body,
                content_type=request.content_type,
                seen_nonce=self._nonces.is_seen,
                accept_untrusted_content=True,
                timestamp_skew_in_seconds=_SKEW_S,
            )
        except TokenExpired as refusal:
            raise _stale(refusal.localtime_in_seconds, credentials) from None
        except MacMismatch:
            raise hawk_refusal("Bad mac") from None
        except MisComputedContentHash:
            raise hawk_refusal("Bad payload hash") from None
        except AlreadyProcessed:
            raise hawk_refusal("Invalid nonce") from None
        except (HawkFail, ValueError):
            raise _malformed("Bad header format") from None
        return HawkCaller(user.user, receiver)


def hawk_refusal(message: str, attributes: str = "") -> LoopRefusal:
    """Return the 401 with Hawk's challenge; an empty message is that of missing credentials."""
    body: dict[str, Any] = {"statusCode": 401, "error": "Unauthorized", "message": message or "Unauthorized"}
    if not message:
        return error(401, INVALID_AUTH_TOKEN, body, "Hawk")
    return error(401, INVALID_AUTH_TOKEN, body, f'Hawk {attributes}error="{message}"')


def _stale(now_s: int, credentials: dict[str, str]) -> LoopRefusal:
    """Return the 401 that tells the client the server's time, signed so that it can trust it."""
    signed = calculate_ts_mac(now_s, credentials).decode()
    return hawk_refusal("Stale timestamp", f'ts="{now_s}", tsm="{signed}", ')


def _malformed(message: str) -> LoopRefusal:
    body = {"statusCode": 400, "error": "Bad Request", "message": message}
    return error(400, INVALID_AUTH_TOKEN, body)


def _attributes(header: str) -> dict[str, str]:
    try:
        attributes: dict[str, str] = parse_authorization_header(header)
    except BadHeaderValue:
        raise _malformed("Bad header format") from None
    except (HawkFail, ValueError):
        raise _malformed("Invalid header syntax") from None
    if any(not attributes.get(name) for name in _REQUIRED):
        raise _malformed("Missing attributes")
    timestamp = attributes["ts"]
    if not timestamp.isdecimal() or len(timestamp) > _TIMESTAMP_DIGITS_MAX:
        raise _malformed("Bad attribute value: ts")
    return attributes
