"""Counts replies by surface and class of status; room actions of the Loop contract are the hot path's own to count.

The surface is that of the path's first part: a closed list, whatever is asked for.
"""

from collections.abc import Mapping
from typing import Final

from ingest.bodies import Message, Send
from ingest.metrics import Metrics
from storage.metric_labels import FAMILIES, STATUS_CLASSES

_FAMILIES: Final[Mapping[str, str]] = {
    "v1": "native",
    "v0": "loop",
    "rooms": "loop",
    "registration": "loop",
    "users": "playback",
    "media_play_sessions": "playback",
    "api": "playback",
    "manage": "control",
    "streammanager": "streams",
    "healthz": "operation",
    "readyz": "operation",
    "metrics": "operation",
    "docs": "operation",
    "openapi.json": "operation",
}
"""By the path's first part; everything else is the live page's."""


class CountedReplies:
    """Wraps `send`, so that the reply's status is counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._count = {
            (family, number): metrics.replies.labels(family=family, status=status).inc
            for family in FAMILIES
            for number, status in enumerate(STATUS_CLASSES, 2)
        }

    def of(self, send: Send, path: str) -> Send:
        """Return a `send` that counts the reply to a request for the path."""
        family = _FAMILIES.get(path.partition("/")[2].partition("/")[0], "page")

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count[family, message["status"] // 100]()
            await send(message)

        return send_counted
