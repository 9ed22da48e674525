"""What a status costs the HTTP edge, from its request to its 204: calls in all the server's threads."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.wire import post
from storage.sqlite_log import SqliteLog
from tests.guard.counting import Calls, counting
from tests.ingest.decider_loop import deciding
from tests.ingest.serving import STATUS, Guest, HawkClient, Served, served, settings_for

CONNECTIONS = 100
ROUNDS = 5
CALLS_MAX = 150.0
"""Some of them are a commit's, which the statuses that come meanwhile share; how many those are differs."""


def test_a_status_takes_few_calls_from_its_request_to_its_reply(tmp_path: Path) -> None:
    with counted_server(tmp_path) as (server, calls), ExitStack() as stack:
        guest = Guest.joined(server, HawkClient(server).create_room())
        request = post(f"/rooms/{guest.room}", json.dumps(STATUS).encode(), **guest.headers)
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            for _ in range(CONNECTIONS)
        ]
        answered(connections, request)
        before, stored_before = calls.count, len(server.inputs())
        for _ in range(ROUNDS):
            answered(connections, request)
        assert len(server.inputs()) - stored_before == ROUNDS * CONNECTIONS
        assert 1 < (calls.count - before) / (ROUNDS * CONNECTIONS) < CALLS_MAX


def answered(connections: list[socket.socket], request: bytes) -> None:
    """Send the request on every connection, then read the 204 of each."""
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        reply = b""
        while not reply.endswith(b"\r\n\r\n"):
            reply += connection.recv(4096)
        assert reply.startswith(b"HTTP/1.1 204 ")


@contextmanager
def counted_server(folder: Path) -> Iterator[tuple[Served, Calls]]:
    """Lend a server in whose threads every call is counted."""
    log, calls = SqliteLog(folder / "log.db", 4), Calls()
    with deciding(log):
        threading.setprofile(counting(calls))  # of the threads that are started from now on
        try:
            with served(settings_for(folder), log) as server:
                yield server, calls
        finally:
            threading.setprofile(None)
    log.close()
