"""What a Faust app needs to know of the log that it works on: names, transport, settings; chosen by the log's URL."""

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from faust.types.transports import TransportT
from yarl import URL

from storage import faust_kafka, faust_sqlite
from storage.event_log import INPUTS_TOPIC, PROCESSOR_GROUP
from storage.kafka_url import parse_kafka_url


class FaustEngine(NamedTuple):
    """One log as Faust sees it."""

    group: str
    """The app's id."""
    inputs_topic: str
    """The inputs topic's name in this engine."""
    make_transport: Callable[[Any], TransportT]
    """Given the app."""
    settings: dict[str, Any]
    """Of the app."""


def faust_engine(log_url: str) -> FaustEngine:
    """Return the engine of a log's URL.

    Raises: LogMismatch if the URL names no log.
    """
    if urlsplit(log_url).scheme != "kafka":
        return FaustEngine(
            PROCESSOR_GROUP, INPUTS_TOPIC, lambda app: faust_sqlite.Transport([URL(log_url)], app), {"broker": log_url}
        )
    url = parse_kafka_url(log_url)
    return FaustEngine(
        url.group,
        url.topic(INPUTS_TOPIC),
        lambda app: faust_kafka.Transport(url, app),
        {
            # Only shown; connections are made with the log's URL.
            "broker": f"kafka://{url.servers[0]}",
            "broker_session_timeout": url.session_timeout_ms / 1000,
            "broker_heartbeat_interval": url.session_timeout_ms / 3000,
        },
    )
