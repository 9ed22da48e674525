"""Hawk users: registered by a waited-for input, known by a keyed hash, their keys sealed at rest.

What a client gets is a random session token; id and key are derived from it on both sides, so neither the token nor
the id is stored. The key, which the server needs for checking, rests AES-GCM-sealed in the row of the registration,
bound to the user's hash. Source: contract 2.2, design section 5.
"""

import base64
import binascii
import re
import secrets
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingest.commands import Commands, new_id
from ingest.keys import Keys, derived
from ingest.lines import Line
from storage.reading import Rows, sealed_key

_DERIVATION_INFO: Final = b"identity.mozilla.com/picl/v1/sessionToken"
_TOKEN_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HAWK_ID = re.compile("[0-9a-f]{64}")
_CACHED_MAX: Final = 50_000


class HawkCredentials(NamedTuple):
    """What a Hawk session token gives: id and key, each 64 hex digits; the key's text is the key."""

    hawk_id: str
    key: str


class HawkUser(NamedTuple):
    """A registered user: the hash under which they appear everywhere, and the key that checks their requests."""

    user: str
    key: str


def credentials_of(session_token: str) -> HawkCredentials:
    """Return the credentials derived from a Hawk session token of 64 hex digits."""
    material = derived(bytes.fromhex(session_token), _DERIVATION_INFO, 2 * _TOKEN_BYTES)
    return HawkCredentials(material[:_TOKEN_BYTES].hex(), material[_TOKEN_BYTES:].hex())


class HawkUsers:
    """Registers users and finds them again: in this process' memory, else in the store."""

    def __init__(self, keys: Keys, commands: Commands, store: Rows, cached_max: int = _CACHED_MAX) -> None:
        self._keys = keys
        self._commands = commands
        self._store = store
        self._cached_max = cached_max
        self._cached: dict[str, HawkUser] = {}

    async def register(self, now_ms: int) -> str:
        """Register a new user and return their Hawk session token.

        Raises: Unanswered.
        """
        session_token = secrets.token_hex(_TOKEN_BYTES)
        hawk_id, key = credentials_of(session_token)
        user = self._keys.user_hash(hawk_id)
        await self._commands.ask(
            Line(
                kind="register",
                received_at_ms=now_ms,
                room_kind="call",
                room=user,
                user=user,
                id=new_id(),
                extra={"sealed_key": self._sealed(user, key)},
            )
        )
        self._remember(hawk_id, HawkUser(user, key))
        return session_token

    async def find(self, hawk_id: str) -> HawkUser | None:
        """Return the user of a Hawk id, or None if nobody registered with it.

        Raises: StoreUnavailable.
        """
        known = self._cached.get(hawk_id)
        if known is None and _HAWK_ID.fullmatch(hawk_id):
            for keys in self._keys.in_turn():
                known = known or await self._stored(hawk_id, keys)
            if known is not None:
                self._remember(hawk_id, known)
        return known

    async def _stored(self, hawk_id: str, keys: Keys) -> HawkUser | None:
        user = keys.user_hash(hawk_id)
        sealed = await sealed_key(self._store, user)
        key = None if sealed is None else _unsealed(keys, user, sealed)
        return None if key is None else HawkUser(user, key)

    def _remember(self, hawk_id: str, user: HawkUser) -> None:
        if len(self._cached) >= self._cached_max:
            del self._cached[next(iter(self._cached))]
        self._cached[hawk_id] = user

    def _sealed(self, user: str, key: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealing = AESGCM(self._keys.sealing)
        return base64.b64encode(nonce + sealing.encrypt(nonce, key.encode(), user.encode())).decode()


def _unsealed(keys: Keys, user: str, sealed: str) -> str | None:
    """Return the key, or None if it was sealed under another secret: then its owner is as good as unknown."""
    try:
        data = base64.b64decode(sealed, validate=True)
        return AESGCM(keys.sealing).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], user.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError):
        return None
