"""A stream directory with nodes in three regions, and those who publish to it and watch."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import Served
from tests.ingest.whole_pipeline import whole_pipeline

ADMIN_TOKEN = "token-of-the-administrator"
NODES = [
    {"role": "origin", "address": "o1.example", "region": "us"},
    {"role": "origin", "address": "o2.example", "region": "eu"},
    {"role": "origin", "address": "o3.example", "region": "eu"},
    {"role": "edge", "address": "e1.example", "region": "us"},
    {"role": "edge", "address": "e2.example", "region": "eu"},
    {"role": "edge", "address": "e3.example", "region": "eu"},
]


class Directory:
    """The directory of a running pipeline."""

    def __init__(self, server: Served) -> None:
        self.server = server

    def ask(self, path: str, version: str = "2.0", method: str = "GET", **query: Any) -> httpx.Response:
        """Send a request below the version's path."""
        return self.server.http.request(method, f"/streammanager/api/{version}/{path}", params=query)

    def got(self, path: str, version: str = "2.0", **query: Any) -> Any:
        """Return the body of a read that is answered."""
        reply = self.ask(path, version, **query)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        return reply.json()

    def decided(self, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """Send inputs about streams and return what was decided."""
        reply = self.server.native([{"room_kind": "stream", **item} for item in items], params={"wait": "decision"})
        assert reply.status_code == 200, reply.text
        decisions: list[dict[str, Any]] = reply.json()["decisions"]
        return decisions

    def publish(self, room: str, **members: Any) -> dict[str, Any]:
        """Publish a stream."""
        (decision,) = self.decided({"kind": "publish", "room": room, **members})
        assert decision["fact"] == "stream_published"
        return decision

    def unpublish(self, room: str) -> None:
        """End a stream."""
        assert self.decided({"kind": "unpublish", "room": room})[0]["fact"] == "stream_unpublished"

    def watch(self, room: str, session: str, **members: Any) -> None:
        """Open a subscriber's session."""
        (decision,) = self.decided({"kind": "open", "room": room, "session": session, **members})
        assert decision["fact"] == "session_opened"

    def listed(self, scope: str, path: str = "event/list", version: str = "2.0", **query: Any) -> list[dict[str, Any]]:
        """Return what a list has of one scope."""
        return [each for each in self.got(path, version, **query) if each["scope"].strip("/") == scope]


@contextmanager
def directory_of(folder: Path, store: EmbeddedStore, **settings: Any) -> Iterator[Directory]:
    """Run a whole pipeline with a stream directory."""
    with whole_pipeline(folder, store, nodes=json.dumps(NODES), admin_token=ADMIN_TOKEN, **settings) as running:
        yield Directory(running)


def refusal(reply: httpx.Response, status: int) -> str:
    """Return the message of a refusal in the contract's form."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert body.keys() == {"errorMessage", "timestamp"}
    assert isinstance(body["timestamp"], int)
    assert body["errorMessage"]
    return str(body["errorMessage"])
