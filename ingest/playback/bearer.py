"""Who asks: the user that a bearer token, a JWT that others issue, names in `sub`.

The key fixes the algorithm: a text is an HS256 secret, a PEM public key takes RS256 to RS512 or, by its curve, ES256,
ES384 or ES512. What a token says of its own algorithm only has to agree, so that neither `none` nor a public key posing
as a secret gets in. `exp` and `nbf` count where they are there; `iat` is not looked at, because clocks differ.
Source: contract 1.2, decision 8.6; RFC 7519, RFC 8725.
"""

import logging
import warnings
from typing import Any, Final

import jwt

from ingest.playback.replies import off, unauthorized
from storage.settings import Settings
from storage.settings_checks import jwt_algorithms

_LOG = logging.getLogger(__name__)
_SECRET_BYTES_MIN: Final = 32
_USER_CHARACTERS_MAX: Final = 1000
warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)  # said once, below


class BearerTokens:
    """Reads the tokens that one key signs; without a key it takes none."""

    def __init__(self, settings: Settings) -> None:
        key = settings.playback_jwt_key
        self._key = key.get_secret_value() if key is not None else ""
        self._algorithms = jwt_algorithms(self._key) if self._key else []
        self._audience = settings.playback_jwt_audience or None
        if self._algorithms == ["HS256"] and len(self._key.encode()) < _SECRET_BYTES_MIN:
            _LOG.warning(
                "ROOMSTATE_PLAYBACK_JWT_KEY has less than %d bytes: whoever sees a token can guess it",
                _SECRET_BYTES_MIN,
            )

    def user_of(self, authorization: str) -> str:
        """Return the user that the Authorization header stands for.

        Raises: PlaybackRefusal 401, or 503 while there is no key.
        """
        if not self._key:
            raise off("ROOMSTATE_PLAYBACK_JWT_KEY is not set: nobody can be told apart from anybody else")
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("send a bearer token in the Authorization header")
        claims = self._claims(token.strip())
        if claims.get("type", "access") != "access":
            raise unauthorized("the token is not an access token")
        return _user(claims.get("sub"))

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=self._algorithms,
                audience=self._audience,
                options={"verify_aud": self._audience is not None, "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized("the token has expired") from None
        except (jwt.PyJWTError, ValueError, OverflowError, TypeError, RecursionError):
            raise unauthorized("the token is not one that is good here") from None


def _user(sub: Any) -> str:
    if not isinstance(sub, str) or not 0 < len(sub) <= _USER_CHARACTERS_MAX or not _is_text(sub):
        raise unauthorized("the token names no user in sub")
    return sub


def _is_text(value: str) -> bool:
    """Tell whether it is Unicode that can be written: JSON may hold halves of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
