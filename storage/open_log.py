"""Opening the log that a URL names."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.event_log import EventLog, LogMismatch
from storage.kafka_log import KafkaLog
from storage.sqlite_log import SqliteLog


def open_log(url: str, partitions: int, *, may_make: bool = True) -> EventLog:
    """Return the log at the URL; if there is none yet it is made with that many partitions, or refused.

    Shape: `sqlite:///absolute/path/to/log.db`, percent-encoded where a path needs it, or `kafka://host:port…`
    (storage/kafka_url.py).
    Raises: LogMismatch for another number of partitions, another schema or a URL that names no log; LogUnavailable
    if the log cannot be reached or made.
    """
    if urlsplit(url).scheme == "kafka":
        return KafkaLog(url, partitions, may_make=may_make)
    path = sqlite_path(url)
    if not may_make and not path.exists():
        raise LogMismatch(f"there is no log in {path.parent}; name its folder with --data-dir")
    return SqliteLog(path, partitions)


def sqlite_path(url: str) -> Path:
    """Return the file that a `sqlite:` URL names.

    Raises: LogMismatch if it names none.
    """
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise LogMismatch(
            f"no log engine for {parts.scheme or url!r}: use sqlite:///absolute/path/to/log.db or kafka://…"
        )
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or path.endswith("/"):
        raise LogMismatch(f"{url!r} names no file: use three slashes, sqlite:///absolute/path/to/log.db")
    return Path("/" + path.lstrip("/"))
