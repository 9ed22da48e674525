"""What ROOMSTATE_SECRET is used for: one derived key for each purpose, so that none can stand in for another."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


def derived(material: bytes, info: bytes, length: int = KEY_BYTES) -> bytes:
    """Return `length` bytes of HKDF-SHA-256 over the material, without a salt.  Source: RFC 5869."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(material)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The derived keys; never shown."""

    tokens: bytes
    users: bytes
    sealing: bytes
    rooms: bytes
    previous: "Keys | None" = None
    """The keys of the secret before this one, while both count: what they signed or sealed can still be read."""

    @classmethod
    def of(cls, secret: bytes, previous: bytes = b"") -> "Keys":
        """Return the keys that the secret gives, with those of the one before it (empty: there is none)."""
        return cls(
            previous=cls.of(previous) if previous else None,
            tokens=derived(secret, b"roomstate session tokens"),
            users=derived(secret, b"roomstate users"),
            sealing=derived(secret, b"roomstate sealed keys"),
            rooms=derived(secret, b"roomstate media sessions"),
        )

    def in_turn(self) -> Iterator["Keys"]:
        """Return these keys, then those before them: the order in which something old is looked for."""
        yield self
        if self.previous is not None:
            yield self.previous

    def user_hash(self, hawk_id: str) -> str:
        """Return the name under which a Hawk user is known: 32 hex digits that do not lead back to the id."""
        return hmac.new(self.users, hawk_id.encode(), hashlib.sha256).hexdigest()[:32]
