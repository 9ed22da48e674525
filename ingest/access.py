"""Who may use what is not under a contract of its own: the bearer token, and the rule for loopback.

Writing always needs the token. Pages and reads need none when this process is bound to a loopback address, because
then only this machine reaches them; bound elsewhere they do. Browsers may send it as the password of Basic
credentials. Source: interfaces, Native HTTP.
"""

import hmac
import ipaddress
from collections.abc import Callable

from fastapi import HTTPException, Request

from ingest.tokens import username_of

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="roomstate", Basic realm="roomstate"'}


def is_loopback(host: str) -> bool:
    """Tell whether a server bound to this host is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_required(token: str) -> Callable[[Request], None]:
    """Return the dependency that lets in only who shows the token."""
    expected = token.encode()

    def check(request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        shown = credentials.strip().encode("latin-1", "replace")
        if scheme.lower() == "basic":
            shown = username_of(shown).partition(":")[2].encode()
        elif scheme.lower() != "bearer":
            shown = b""
        if not expected or not hmac.compare_digest(shown, expected):
            raise HTTPException(401, "show the token of ROOMSTATE_API_TOKEN as a bearer token", _CHALLENGE)

    return check


def token_required_unless_loopback(token: str, host: str) -> Callable[[Request], None]:
    """Return the dependency of pages and reads."""
    return _let_in if is_loopback(host) else token_required(token)


def _let_in(request: Request) -> None:
    """Ask for nothing."""
