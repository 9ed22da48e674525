"""Clients of the playback contract: a user with a bearer token, and tokens made in every way."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt

from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import Served
from tests.ingest.whole_pipeline import whole_pipeline

KEY = "a secret of the tests that is long enough for HS256"
ROOT = "/api/v1/media"


def token(sub: Any = "ada", key: Any = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    """Return a token; a claim that is None is left out."""
    given = {"sub": sub, "exp": now_ms() // 1000 + 600, "type": "access", **claims}
    return jwt.encode({name: value for name, value in given.items() if value is not None}, key, algorithm)


def bearer(shown: str) -> dict[str, str]:
    """Return the header that shows the token."""
    return {"Authorization": f"Bearer {shown}"}


class Player:
    """A user and what they may ask."""

    def __init__(self, http: httpx.Client, user: str, prefix: str = "") -> None:
        self.http = http
        self.user = user
        self.all = f"{prefix}/users/{user}/media_play_sessions"
        self.short = f"{prefix}/media_play_sessions"
        self.headers = bearer(token(user))

    def ask(self, method: str, path: str, body: Any = None, **params: str) -> httpx.Response:
        """Send one request."""
        return self.http.request(method, path, json=body, params=params, headers=self.headers)

    def start(self, device_type: str = "stb", **params: str) -> httpx.Response:
        """Ask to open a session."""
        return self.ask("POST", self.all, {"device_type": device_type, "service": "live"}, **params)

    def started(self, device_type: str = "stb", **params: str) -> str:
        """Open a session and return its id."""
        reply = self.start(device_type, **params)
        assert reply.status_code == 201, reply.text
        (session,) = reply.json()["data"]
        return str(session["id"])

    def put(self, session: str, body: Any = None, **params: str) -> httpx.Response:
        """Open or keep a session alive under an id of one's own."""
        return self.ask("PUT", f"{self.all}/{session}", body, **params)

    def playing(self) -> list[str]:
        """Return the ids that the index lists."""
        reply = self.ask("GET", self.all)
        assert reply.status_code == 200, reply.text
        return [session["id"] for session in reply.json()["data"]]


@contextmanager
def playback(folder: Path, store: EmbeddedStore, **settings: Any) -> Iterator[Served]:
    """Run everything with a key for tokens."""
    with whole_pipeline(folder, store, **{"playback_jwt_key": KEY, **settings}) as running:
        yield running


def kill(server: Served, user: str, session: str) -> None:
    """End a session as an operator does."""
    item = {"kind": "kill", "room_kind": "account", "room": user, "session": session, "id": f"kill {session}"}
    reply = server.native(item, params={"wait": "decision"})
    assert reply.json()["decisions"][0]["fact"] == "session_closed", reply.text
