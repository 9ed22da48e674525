"""The URL of a store: `http[s]://user:password@host:port/database`, and after `?` what else a connection needs.

User, password and database are percent-encoded wherever they hold a character that has a meaning in a URL. The query
may name `ca_cert=/path/to/ca.pem` (a CA trusted beside the system's), `verify=0` (trust any certificate: for tests
alone), and `cluster=name`, which the setting ROOMSTATE_STORE_CLUSTER adds. No text of an error holds a part of the URL
that could be a secret.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

DEFAULT_DATABASE: Final = "roomstate"
_SHAPE: Final = "use http[s]://user:password@host:port/database"
_PORTS: Final = {"http": 8123, "https": 8443}
_OPTIONS: Final = frozenset({"ca_cert", "verify", "cluster"})
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """A store's address, decoded; `ca_cert` and `cluster` are empty where none is named."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    ca_cert: str = ""
    is_verified: bool = True
    cluster: str = ""

    @property
    def where(self) -> str:
        """Host and port, which may be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_store_url(url: str) -> StoreUrl:
    """Return what a store's URL says.

    Raises: ValueError with one line that says what would be right.
    """
    parts = _split(url)
    options = _options(parts)
    is_verified = _is_verified(options, parts.scheme)
    return StoreUrl(
        parts.scheme,
        _host(parts),
        parts.port or _PORTS[parts.scheme],
        _user(parts),
        _decoded("password", parts.password or ""),
        _database(parts.path),
        _ca_cert(options.get("ca_cert", ""), parts.scheme, is_verified=is_verified),
        is_verified,
        options.get("cluster", ""),
    )


def with_cluster(url: str, cluster: str) -> str:
    """Return the URL of the same store as a cluster of that name; as it is if that is empty or one is named."""
    if not cluster or parse_store_url(url).cluster:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}cluster={quote(cluster, safe='')}"


def _split(url: str) -> SplitResult:
    if _CONTROL.search(url):
        raise ValueError(f"it holds a line break or another control character; percent-encode it, and {_SHAPE}")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError(f"{_SHAPE}, with what is special in user and password percent-encoded")
    if parts.fragment or url.endswith("#"):
        raise ValueError(f"it holds a #, which must be written %23; {_SHAPE}")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if re.fullmatch(r"[A-Za-z0-9._:-]+", host) is None:
        raise ValueError(f"its host is no name or address of a machine; {_SHAPE}")
    return host


def _user(parts: SplitResult) -> str:
    user = _decoded("user", parts.username or "")
    if ":" in user:
        raise ValueError("its user holds a colon, which no ClickHouse client can send")
    if parts.password and not user:
        raise ValueError(f"it has a password but no user; {_SHAPE}")
    return user


def _database(path: str) -> str:
    inner = path.removeprefix("/").removesuffix("/")
    if "/" in inner:
        raise ValueError(f"its path is no database (a / in a name is written %2F); {_SHAPE}")
    return _decoded("database", inner) or DEFAULT_DATABASE


def _decoded(what: str, text: str) -> str:
    """Return the text without its percent-encoding."""
    try:
        if _BAD_ESCAPE.search(text):
            raise ValueError
        return unquote(text, errors="strict")
    except ValueError:
        raise ValueError(f"its {what} is not percent-encoded UTF-8 (a % itself is written %25)") from None


def _options(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"it names {', '.join(unknown)} after the ?; only ca_cert and verify are known")
    if len(options) < len(pairs):
        raise ValueError("it names the same thing twice after the ?")
    return options


def _is_verified(options: dict[str, str], scheme: str) -> bool:
    wanted = options.get("verify", "1")
    if wanted not in {"0", "1"}:
        raise ValueError("verify is 1 (the server must have a certificate that is trusted) or 0")
    if "verify" in options and scheme != "https":
        raise ValueError("verify is for https alone")
    return wanted == "1"


def _ca_cert(path: str, scheme: str, *, is_verified: bool) -> str:
    if not path:
        return ""
    if scheme != "https" or not is_verified:
        raise ValueError("ca_cert is for https alone, and not beside verify=0")
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"ca_cert={path} holds no certificate in PEM form") from None
    except OSError as error:
        raise ValueError(f"ca_cert={path} cannot be read ({error.strerror})") from None
    return path
