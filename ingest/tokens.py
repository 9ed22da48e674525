"""Signed session tokens: what a join hands out and Basic authentication brings back.

A token names its room, its session and when it was issued, under HMAC-SHA-256, so a forged one costs no look-up.
That the session still lives is another question, which the directory answers. It looks as clients expect theirs to
look: `T1==` and base64. Source: design section 5, contract 2.2.
"""

import base64
import binascii
import hashlib
import hmac
from typing import NamedTuple

from ingest.keys import Keys

PREFIX = "T1=="
_SIGNATURE_BYTES = 32
_TIME_BYTES = 8
_TOKEN_CHARACTERS_MAX = 4096
_CACHED_MAX = 100_000


class SessionToken(NamedTuple):
    """What a genuine token says."""

    room: str
    session: str
    issued_at_ms: int


class SessionTokens:
    """Issues tokens and reads them back; what was verified is remembered, up to `cached_max` headers.

    Tokens are signed with the newest key and read with each of them.
    """

    def __init__(self, keys: Keys, cached_max: int = _CACHED_MAX) -> None:
        self._signing_keys = [each.tokens for each in keys.in_turn()]
        self._cached_max = cached_max
        self._cached: dict[bytes, SessionToken] = {}
        self.known = self._cached.get
        """Return the token of an Authorization header that was verified before, or None: one look-up, no work."""

    def issue(self, room: str, session: str, now_ms: int) -> str:
        """Return a new token of the session."""
        session_bytes = session.encode()
        said = (
            now_ms.to_bytes(_TIME_BYTES, "big") + len(session_bytes).to_bytes(2, "big") + session_bytes + room.encode()
        )
        return PREFIX + base64.b64encode(_signature(self._signing_keys[0], said) + said).decode()

    def read(self, text: str) -> SessionToken | None:
        """Return what the token says, or None if it is not one of ours."""
        if not text.startswith(PREFIX) or len(text) > _TOKEN_CHARACTERS_MAX:
            return None
        try:
            data = base64.b64decode(text[len(PREFIX) :], validate=True)
        except (binascii.Error, ValueError):
            return None
        said = data[_SIGNATURE_BYTES:]
        signature = data[:_SIGNATURE_BYTES]
        if not any(hmac.compare_digest(signature, _signature(key, said)) for key in self._signing_keys):
            return None
        session_start = _TIME_BYTES + 2
        room_start = session_start + int.from_bytes(said[_TIME_BYTES:session_start], "big")
        return SessionToken(
            room=said[room_start:].decode(),
            session=said[session_start:room_start].decode(),
            issued_at_ms=int.from_bytes(said[:_TIME_BYTES], "big"),
        )

    def of_basic_header(self, header: bytes) -> SessionToken | None:
        """Return the token that the header `Basic base64(token[:])` carries, or None if it is not one of ours."""
        token = self._cached.get(header)
        if token is None:
            token = self.read(username_of(header.split(b" ", 1)[1]))
            if token is not None:
                if len(self._cached) >= self._cached_max:
                    del self._cached[next(iter(self._cached))]
                self._cached[header] = token
        return token


def _signature(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, hashlib.sha256).digest()


def username_of(credentials: bytes) -> str:
    """Return the username of base64-encoded Basic credentials; one trailing colon is taken off.

    As lenient as the original: either base64 alphabet, padding or not; what does not decode is an empty name.
    Source: contract 2.2.
    """
    bare = credentials.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        text = base64.b64decode(bare + b"=" * (-len(bare) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    return text.removesuffix(":")
