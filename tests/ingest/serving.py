"""A real ingest server in a thread, over a real SQLite log, and the clients that talk to it."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx
from mohawk import Sender
from mohawk.base import EmptyValue

from ingest.app import create_app
from ingest.edge import Edge, EdgeLimits
from ingest.listening import listen
from ingest.live.feed import LiveFeed
from ingest.loop.users import HawkCredentials, credentials_of
from ingest.server import IngestServer, server_config
from ingest.siblings import Sibling
from ingest.store_gate import StoreGate
from state_machine.inputs import Input
from storage.event_log import INPUTS_TOPIC, EventLog
from storage.frames import decode_input, split_frame
from storage.settings import Settings, load_settings

API_TOKEN = "token-of-the-tests"
STATUS = {
    "action": "status",
    "event": "Session.connectionCreated",
    "state": "waiting",
    "connections": 1,
    "sendStreams": 0,
    "recvStreams": 0,
}


def settings_for(folder: Path, **options: Any) -> Settings:
    """Return settings that keep everything in the folder."""
    defaults: dict[str, Any] = {"data_dir": folder, "secret": "a secret", "api_token": API_TOKEN, "partitions": 4}
    return load_settings(**{"_env_file": None, **defaults, **options})


class Served:
    """A running ingest server."""

    live: LiveFeed

    def __init__(self, edge: Edge, log: EventLog, port: int) -> None:
        self.edge = edge
        self.log = log
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=20.0)

    def native(self, body: Any, **options: Any) -> httpx.Response:
        """POST /v1/inputs with the token."""
        headers = {"Authorization": f"Bearer {API_TOKEN}", **options.pop("headers", {})}
        return self.http.post("/v1/inputs", json=body, headers=headers, **options)

    def inputs(self) -> list[Input]:
        """Return every input of the log."""
        found = []
        for partition, bounds in self.log.bounds(INPUTS_TOPIC).items():
            offset = bounds.start
            while offset < bounds.end:
                for record in self.log.read(INPUTS_TOPIC, partition, offset, 1 << 20):
                    found += [decode_input(line) for line in split_frame(record.value)]
                    offset = record.offset + 1
        return found


@contextmanager
def served(
    settings: Settings,
    log: EventLog,
    store: StoreGate | None = None,
    limits: EdgeLimits | None = None,
    sibling: Sibling | None = None,
) -> Iterator[Served]:
    """Run ingest until the block ends; without a store, its store is out of reach."""
    app = create_app(settings, log, store or StoreGate.to(unreachable_url()), limits, sibling)
    listener = listen("127.0.0.1", 0)
    server = IngestServer(server_config(app, grace_s=9))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    running = Served(app.edge, log, listener.getsockname()[1])
    running.live = app.live
    try:
        running.http.get("/healthz")
        yield running
    finally:
        running.http.close()
        server.should_exit = True
        thread.join(30)
        listener.close()


def unreachable_url() -> str:
    """Return the URL of a store that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://roomstate:nothing@127.0.0.1:{port}/roomstate"


class HawkClient:
    """A registered Hawk user, as the desktop client is one."""

    def __init__(self, server: Served) -> None:
        self.server = server
        reply = server.http.post("/registration", json={})
        assert reply.status_code == 200, reply.text
        self.credentials: HawkCredentials = credentials_of(reply.headers["Hawk-Session-Token"])

    def sender(self, method: str, path: str, content: Any = b"", content_type: Any = "", **options: Any) -> Any:
        """Return mohawk's side of a request."""
        return Sender(
            {"id": self.credentials.hawk_id, "key": self.credentials.key, "algorithm": "sha256"},
            self.server.url + path,
            method,
            content=content,
            content_type=content_type,
            **options,
        )

    def unhashed(self, method: str, path: str, **options: Any) -> str:
        """Return the header of a request that does not vouch for its body."""
        sender = self.sender(method, path, EmptyValue, EmptyValue, always_hash_content=False, **options)
        return cast(str, sender.request_header)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a signed request and check the signature of the reply."""
        request = self.server.http.build_request(method, path, json=body)
        content_type = request.headers.get("content-type", "")
        sender = self.sender(method, path, request.content, content_type)
        request.headers.update({"Authorization": sender.request_header, **headers})
        reply = self.server.http.send(request)
        if "server-authorization" in reply.headers:
            sender.accept_response(
                reply.headers["server-authorization"],
                content=reply.content,
                content_type=reply.headers.get("content-type", ""),
            )
        return reply

    def create_room(self, **members: Any) -> str:
        """Create a room and return its token."""
        body = {"roomName": "a room", "roomOwner": "Ada", "maxSize": 3, **members}
        reply = self.request("POST", "/rooms", body)
        assert reply.status_code == 201, reply.text
        return cast(str, reply.json()["roomToken"])

    def act(self, room: str, **members: Any) -> httpx.Response:
        """Post an action to a room."""
        return self.request("POST", f"/rooms/{room}", members)

    def join(self, room: str, **members: Any) -> httpx.Response:
        """Join a room."""
        return self.act(room, **{"action": "join", "displayName": "Ada", "clientMaxSize": 5, **members})


class Guest:
    """An anonymous link-clicker with a session token."""

    def __init__(self, server: Served, room: str, token: str, has_colon: bool = False) -> None:
        self.server = server
        self.room = room
        self.token = token
        self.headers = {"Authorization": basic(token + ":" * has_colon)}

    @classmethod
    def joined(cls, server: Served, room: str, **members: Any) -> "Guest":
        """Join the room and return who joined."""
        body = {"action": "join", "displayName": "Guest", "clientMaxSize": 5, **members}
        reply = server.http.post(f"/rooms/{room}", json=body)
        assert reply.status_code == 200, reply.text
        return cls(server, room, reply.json()["sessionToken"])

    def act(self, **members: Any) -> httpx.Response:
        """Post an action to the room."""
        return self.server.http.post(f"/rooms/{self.room}", json=members, headers=self.headers)

    def status(self, **members: Any) -> httpx.Response:
        """Post a status."""
        return self.act(**{**STATUS, **members})


def basic(credentials: str) -> str:
    """Return the Authorization header of Basic credentials, exactly as given."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"
