"""What ROOMSTATE_SECRET is used for: one derived key for each purpose, so that none can stand in for another."""

import hashlib
import hmac
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

    @classmethod
    def of(cls, secret: bytes) -> "Keys":
        """Return the keys that the secret gives."""
        return cls(
            tokens=derived(secret, b"roomstate session tokens"),
            users=derived(secret, b"roomstate users"),
            sealing=derived(secret, b"roomstate sealed keys"),
            rooms=derived(secret, b"roomstate media sessions"),
        )

    def user_hash(self, hawk_id: str) -> str:
        """Return the name under which a Hawk user is known: 32 hex digits that do not lead back to the id."""
        return hmac.new(self.users, hawk_id.encode(), hashlib.sha256).hexdigest()[:32]
