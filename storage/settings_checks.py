"""What the values of some settings must look like: a check returns the value, or raises ValueError with what is right.

No text of an error holds a value that could be a secret. Source: interfaces, Settings.
"""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from storage.event_log import LogMismatch
from storage.kafka_url import parse_kafka_url
from storage.store_url import parse_store_url

_LOG_SHAPE: Final = "use sqlite:///path/to/log.db or kafka://host:port[,host:port]"
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_NODES_SHAPE: Final = (
    'use a JSON list like [{"role": "origin", "address": "a.example", "region": "eu"}], roles origin and edge,'
    " or the path of a file that holds one"
)


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


def checked_origins(value: str) -> tuple[str, ...]:
    """Return the origins of a comma list: `*`, or each as a browser's Origin header names it."""
    origins = tuple(part.strip() for part in value.split(",") if part.strip())
    for origin in origins:
        if origin not in ("*", "null") and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin; use a comma list of scheme://host[:port], or *")
    return origins


def checked_nodes(value: str) -> str:
    """Return the stream directory's nodes as they were given ('' = the default)."""
    if value:
        _require_nodes(value if value.lstrip().startswith("[") else _text_of(Path(value)))
    return value


def may_be_shown(url: str) -> bool:
    """Tell whether a log's URL holds nothing that could belong to a password."""
    return "@" not in url and "pass" not in url


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        raise ValueError(f"it is no file that can be read; {_NODES_SHAPE}") from None


def _require_nodes(text: str) -> None:
    try:
        nodes: Any = json.loads(text)
    except ValueError:
        raise ValueError(f"it is no JSON; {_NODES_SHAPE}") from None
    if not isinstance(nodes, list) or not nodes or not all(_is_node(node) for node in nodes):
        raise ValueError(_NODES_SHAPE)


def _is_node(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and node.get("role") in ("origin", "edge")
        and isinstance(node.get("address"), str)
        and bool(node["address"])
        and isinstance(node.get("region", ""), str)
    )
