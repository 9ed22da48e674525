"""What the values of some settings must look like: a check returns the value, or raises ValueError with what is right.

No text of an error holds a value that could be a secret. Source: interfaces, Settings.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from storage.event_log import LogMismatch
from storage.kafka_url import parse_kafka_url
from storage.store_url import parse_store_url
from storage.stream_nodes import parse_nodes

_LOG_SHAPE: Final = "use sqlite:///path/to/log.db or kafka://host:port[,host:port]"
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_JWT_SHAPE: Final = "give an HS256 secret, or the PEM public key (RSA, or EC P-256, P-384, P-521) of whoever signs"
_EC_ALGORITHMS: Final = {"secp256r1": ["ES256"], "secp384r1": ["ES384"], "secp521r1": ["ES512"]}


def checked_log_url(value: str) -> str:
    """Return the log's URL ('' = the embedded default)."""
    scheme = urlsplit(value).scheme
    if scheme == "kafka":
        try:
            parse_kafka_url(value)
        except LogMismatch as error:
            raise ValueError(str(error)) from None
    elif value and scheme != "sqlite":
        raise ValueError(_LOG_SHAPE)
    return value


def checked_store_url(value: str) -> str:
    """Return the store's URL."""
    parse_store_url(value)
    return value


def checked_secret(value: str) -> str:
    """Return a secret; one that anybody could guess by leaving it out is none."""
    if not value.strip():
        raise ValueError("it is empty; give it a value, or leave the variable out")
    return value


def checked_jwt_key(value: str) -> str:
    """Return the key of bearer tokens; line ends of a PEM key may be spelled, as environment files do."""
    key = checked_secret(value)
    if "-----BEGIN" in key:
        key = key.replace("\\n", "\n").strip() + "\n"
    jwt_algorithms(key)
    return key


def jwt_algorithms(key: str) -> list[str]:
    """Return the algorithms of the tokens that a key verifies: HS256 of a secret, else what its PEM says.

    Raises: ValueError.
    """
    if "-----BEGIN" not in key:
        return ["HS256"]
    try:
        public = load_pem_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"it is no PEM public key; {_JWT_SHAPE}") from None
    if isinstance(public, RSAPublicKey):
        return ["RS256", "RS384", "RS512"]
    if isinstance(public, EllipticCurvePublicKey) and public.curve.name in _EC_ALGORITHMS:
        return _EC_ALGORITHMS[public.curve.name]
    raise ValueError(f"it is a public key of another sort; {_JWT_SHAPE}")


def checked_origins(value: str) -> tuple[str, ...]:
    """Return the origins of a comma list: `*`, or each as a browser's Origin header names it."""
    origins = tuple(part.strip() for part in value.split(",") if part.strip())
    for origin in origins:
        if origin not in ("*", "null") and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin; use a comma list of scheme://host[:port], or *")
    return origins


def checked_nodes(value: str) -> str:
    """Return the stream directory's nodes as they were given ('' = the default)."""
    parse_nodes(value)
    return value


def may_be_shown(url: str) -> bool:
    """Tell whether a log's URL holds nothing that could belong to a password."""
    return "@" not in url and "pass" not in url
