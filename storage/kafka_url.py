"""The URL of a Kafka log, and what its clients need to know of it.

Shape: `kafka://[user:password@]host[:port][,host[:port]…][/][?name=value&…]`, user and password percent-encoded. The
names are the keys of `_SETTINGS`; everything about a cluster is in the URL, so that it is all that tells one log from
another. Errors never show a part of the URL that could belong to a password.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from storage.event_log import PROCESSOR_GROUP, LogMismatch

DAY_MS: Final = 24 * 3_600_000
_SHAPE: Final = "kafka://[user:password@]host:port[,host:port…][/?name=value&…]"
_PORT: Final = 9092
_PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SERVER: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_PORT_MAX: Final = 65535
_SESSION_TIMEOUT_MS_MAX: Final = 1_800_000


@dataclass(frozen=True, slots=True)
class KafkaUrl:
    """A Kafka log as its URL describes it; `str()` of it shows no secret."""

    servers: tuple[str, ...]
    """`host:port` of each."""
    user: str = ""
    password: str = field(default="", repr=False)
    namespace: str = ""
    """Prefix of topics and group; empty = none."""
    replication: int | None = None
    """Copies of each partition; None: 3, or as many as there are brokers."""
    retention_days: int = 7
    """How long the topics keep a frame at least; 0 = for ever."""
    session_timeout_ms: int = 10_000
    """A processor that is silent for this long loses its partitions."""
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    ssl_cafile: str = ""
    """PEM file of the authorities that may have signed the brokers' certificates; empty = the system's."""
    ssl_certfile: str = ""
    ssl_keyfile: str = ""
    ssl_password: str = field(default="", repr=False)
    """Of the key file."""
    ssl_check_hostname: bool = True

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        namespace = f"/?namespace={self.namespace}" if self.namespace else ""
        return f"kafka://{user}{','.join(self.servers)}{namespace}"

    @property
    def group(self) -> str:
        """The consumer group of the processors."""
        return self._prefixed(PROCESSOR_GROUP)

    @property
    def retention_ms(self) -> int:
        """The topics' `retention.ms`; -1 = for ever."""
        return self.retention_days * DAY_MS if self.retention_days else -1

    def topic(self, logical: str) -> str:
        """Return the physical name of a topic of the port."""
        return self._prefixed(logical)

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what TLS connections are made with, or None if there are none.

        Raises: LogMismatch if a file of the URL cannot be used.
        """
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile or None)
            context.check_hostname = self.ssl_check_hostname
            if self.ssl_certfile:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile or None, self.ssl_password)
        except OSError as error:
            files = ", ".join(filter(None, (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile)))
            raise LogMismatch(f"{self}: TLS cannot be set up with {files}: {error.strerror or error}") from error
        return context

    def client_settings(self) -> dict[str, Any]:
        """Return the arguments that clients of kafka-python and of aiokafka both connect with; they hold the password.

        Raises: LogMismatch if a TLS file of the URL cannot be used.
        """
        settings: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.security_protocol,
        }
        if (context := self.ssl_context()) is not None:
            settings["ssl_context"] = context
        if self.user:
            settings["sasl_mechanism"] = self.sasl_mechanism
            settings["sasl_plain_username"] = self.user
            settings["sasl_plain_password"] = self.password
        return settings

    def _prefixed(self, name: str) -> str:
        return f"{self.namespace}.{name}" if self.namespace else name


def parse_kafka_url(url: str) -> KafkaUrl:
    """Return what the URL says.

    Raises: LogMismatch if it is no Kafka URL, has an unknown setting or a value that cannot be.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refused(f"it is no URL; its shape is {_SHAPE}") from None
    if parts.scheme != "kafka" or not parts.netloc:
        raise _refused(f"its shape is {_SHAPE}")
    if parts.path not in {"", "/"} or parts.fragment:
        raise _refused("there is more after the servers than settings; percent-encode user and password")
    credentials, _, servers = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    bare = KafkaUrl(tuple(_server(server) for server in servers.split(",")), unquote(user), unquote(password))
    return _secured(bare, _settings(parts.query))


def _refused(why: str) -> LogMismatch:
    return LogMismatch(f"the log's kafka:// URL cannot be used: {why}")


def _server(text: str) -> str:
    found = _SERVER.fullmatch(text)
    port = int(found["port"] or _PORT) if found else 0
    if not found or not 0 < port <= _PORT_MAX:
        raise _refused(f"a server is no host:port; percent-encode user and password; the shape is {_SHAPE}")
    return f"{found['host']}:{port}"


def _settings(query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in _SETTINGS:
            shown = f" {name!r}" if re.fullmatch(r"[a-z_.]{1,40}", name) else ""
            raise _refused(f"unknown setting{shown}; known are {', '.join(_SETTINGS)}")
        if name in found:
            raise _refused(f"{name} is given twice")
        read, wanted = _SETTINGS[name]
        try:
            found[name] = read(text)
        except (ValueError, KeyError):
            raise _refused(f"{name} must be {wanted}") from None
    return found


def _secured(bare: KafkaUrl, given: Mapping[str, Any]) -> KafkaUrl:
    """Return the URL with its settings and its protocol settled; what it says of user and TLS must agree with it."""
    url = replace(bare, **given)
    has_tls = any(name.startswith("ssl_") for name in given)
    protocol = given.get("security_protocol") or ("SASL_" if url.user else "") + ("SSL" if has_tls else "PLAINTEXT")
    if protocol.startswith("SASL") != bool(url.user):
        needs = (
            "needs user:password@ before the servers" if not url.user else "sends no user; use SASL_SSL or leave it out"
        )
        raise _refused(f"security_protocol {protocol} {needs}")
    if has_tls and not protocol.endswith("SSL"):
        raise _refused(f"security_protocol {protocol} uses none of the ssl_ settings")
    if url.user and not url.password:
        raise _refused("the user has no password")
    if "sasl_mechanism" in given and not url.user:
        raise _refused("sasl_mechanism needs user:password@ before the servers")
    if url.ssl_keyfile and not url.ssl_certfile:
        raise _refused("ssl_keyfile needs ssl_certfile")
    return replace(url, security_protocol=protocol)


def _number(least: int, most: int) -> tuple[Callable[[str], int], str]:
    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return read, f"a number from {least} to {most}"


def _one_of(*words: str) -> tuple[Callable[[str], str], str]:
    def read(text: str) -> str:
        return words[words.index(text.upper())]

    return read, f"one of {', '.join(words)}"


def _file(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _name(text: str) -> str:
    if not _NAMESPACE.fullmatch(text):
        raise ValueError(text)
    return text


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_SETTINGS: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "namespace": (_name, "at most 100 letters, digits, dots, dashes and underscores, beginning with a letter or digit"),
    "replication": _number(1, 32),
    "retention_days": _number(0, 36_500),
    "session_timeout_ms": _number(100, _SESSION_TIMEOUT_MS_MAX),
    "security_protocol": _one_of(*_PROTOCOLS),
    "sasl_mechanism": _one_of(*_MECHANISMS),
    "ssl_cafile": (_file, "a file"),
    "ssl_certfile": (_file, "a file"),
    "ssl_keyfile": (_file, "a file"),
    "ssl_password": (_file, "the key file's password"),
    "ssl_check_hostname": (_truth, "true or false"),
}
