"""What a client asks for beside its statement: who it is, where, with which settings, how it wants the answer.

URL parameters, and fields of a multipart body, are one map; of a repeated name the last counts.
"""

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from storage.embedded.engine_errors import AUTHENTICATION_FAILED, EngineError

_OPTIONS: Final = """query database default_format user password quota_key session_id session_timeout session_check
    close_session query_id compress decompress wait_end_of_query buffer_size client_protocol_version role stacktrace
    network_compression_method enable_http_compression http_zlib_compression_level http_response_buffer_size
    http_wait_end_of_query"""
_NO_SETTINGS: Final = frozenset(_OPTIONS.split())
_ON: Final = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class Ask:
    """One request without its body.

    Shape: header names in `headers` are lower case; `parameters` without the prefix `param_`; `query_id` is the
    client's name for the statement, or a new one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    options: Mapping[str, str]
    settings: dict[str, str]
    parameters: Mapping[str, str]
    query_id: str

    @property
    def database(self) -> str:
        """The database that the statement runs in."""
        return self.options.get("database") or self.headers.get("x-clickhouse-database") or "default"

    @property
    def default_format(self) -> str:
        """The format of answers to statements that name none."""
        return self.options.get("default_format") or self.headers.get("x-clickhouse-format") or "TabSeparated"

    def is_on(self, option: str) -> bool:
        """Tell whether an option is switched on."""
        return self.options.get(option, "").lower() in _ON

    @property
    def protocol_revision(self) -> int:
        """The revision of the Native format that the client reads; 0 = as it is."""
        text = self.options.get("client_protocol_version", "")
        return int(text) if text.isdecimal() else 0


def read_ask(scope: Mapping[str, Any], fields: Mapping[str, str] | None = None) -> Ask:
    """Return what the request of an ASGI scope asks for; `fields` are those of a multipart body."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    pairs = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace"))
    pairs |= fields or {}
    options, settings, parameters = {}, {}, {}
    for name, value in pairs.items():
        if name.startswith("param_"):
            parameters[name.removeprefix("param_")] = value
        elif name in _NO_SETTINGS:
            options[name] = value
        else:
            settings[name] = value
    query_id = options.get("query_id") or str(uuid.uuid4())
    query = options.pop("query", "")
    return Ask(scope["method"], scope["path"], query, headers, options, settings, parameters, query_id)


def read_credentials(ask: Ask) -> tuple[str, str]:
    """Return user and password; two empty strings if the request has none.

    Raises: EngineError if the Authorization header can't be read.
    """
    if "x-clickhouse-user" in ask.headers:
        return ask.headers["x-clickhouse-user"], ask.headers.get("x-clickhouse-key", "")
    authorization = ask.headers.get("authorization", "")
    if authorization:
        scheme, _, encoded = authorization.partition(" ")
        try:
            if scheme.lower() != "basic":
                raise ValueError(scheme)
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (ValueError, binascii.Error) as error:
            text = "Invalid authentication: only the Basic scheme is supported"
            raise EngineError(AUTHENTICATION_FAILED, text) from error
        return user, password
    return ask.options.get("user", ""), ask.options.get("password", "")
