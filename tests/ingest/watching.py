"""Watching the live feed as the page does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.ingest.serving import Served

_SILENT_S = 20.0


class Watched:
    """What the feed said, put together as the page puts it together."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.sessions: dict[tuple[str, str, str], list[Any]] = {}
        self.counts: dict[tuple[str, str], int] = {}
        self.moves: list[list[Any]] = []
        self.violations: list[list[Any]] = []
        self.health: dict[str, Any] = {}

    def next(self) -> tuple[str, Any]:
        """Take in the next event and return it."""
        event = ""
        for line in self._lines:
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
                self._take(event, data)
                return event, data
        raise EOFError

    def until(self, event: str) -> Any:
        """Take in events up to the next of this name, and return its data."""
        while True:
            name, data = self.next()
            if name == event:
                return data

    def _take(self, event: str, data: Any) -> None:
        if event == "snapshot":
            self.sessions = {tuple(each[:3]): each for each in data["sessions"]}
        elif event == "update":
            self.sessions |= {tuple(each[:3]): each for each in data["changed"]}
            for name in data["gone"]:
                self.sessions.pop(tuple(name), None)
            self.moves += data["moves"]
            self.violations += data["violations"]
        elif event == "health":
            self.health = data
        if event in ("snapshot", "update"):
            self.counts = {(kind, state): number for kind, state, number in data["counts"]}


@contextmanager
def watching(server: Served, **headers: str) -> Iterator[Watched]:
    """Follow the feed until the block ends."""
    with (
        httpx.Client(base_url=server.url, timeout=_SILENT_S) as http,
        http.stream("GET", "/v1/live", headers=headers) as reply,
    ):
        assert reply.status_code == 200
        assert reply.headers["Content-Type"].startswith("text/event-stream")
        yield Watched(reply.iter_lines())
