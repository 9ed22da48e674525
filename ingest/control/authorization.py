"""The session control's authorization: `salt` and `hash` in the query, made from a shared password.

`hash` is the base64 of the MD5 of salt, `/` and password. Many clients put it into the query as it is, so a `+` in it
may arrive as `%2B`, as `+` or as a blank. One pair is good for ever and for every path: that is the contract.
Source: contract 4.2.
"""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, quote

from ingest.control.refusals import ControlRefusal


class Authorization:
    """Lets in who knows the password; without one, nobody finds anything here."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()

    def check(self, query: bytes) -> None:
        """Look at the query of a request.

        Raises: ControlRefusal: 404 if the control is off, 403 if salt and hash do not fit.
        """
        if not self._password:
            raise ControlRefusal(404)
        shown = parse_qs(query.decode("latin-1"), encoding="latin-1")
        salt = shown.get("salt", [""])[0].encode("latin-1")
        given = shown.get("hash", [""])[0].replace(" ", "+").encode("latin-1")
        if not salt or not hmac.compare_digest(given, self._expected(salt)):
            raise ControlRefusal(403)

    def _expected(self, salt: bytes) -> bytes:
        return salted_hash(salt, self._password)


def salted_hash(salt: bytes, password: bytes) -> bytes:
    """Return what a client shows beside its salt."""
    digest = hashlib.md5(salt + b"/" + password, usedforsecurity=False).digest()
    return base64.b64encode(digest)


def signed_query(salt: str, password: str) -> str:
    """Return the query that lets a client in."""
    shown = salted_hash(salt.encode(), password.encode()).decode()
    return f"salt={quote(salt, safe='')}&hash={quote(shown, safe='')}"
