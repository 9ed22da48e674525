"""Clients that are slow, broken or too many hold little and for a bounded time; nobody else notices them."""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ingest.http_protocol import HEAD_BYTES_MAX, BoundedProtocol
from ingest.listening import listen
from storage.sqlite_log import SqliteLog
from tests.ingest import serving
from tests.ingest.serving import Guest, Served
from tests.ingest.test_group_commit import wait_until

HEAD_S = 0.5
STALL_S = 0.6
HEAD = b"POST /rooms/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than outside of tests."""
    monkeypatch.setattr(BoundedProtocol, "head_s", HEAD_S)
    monkeypatch.setattr(BoundedProtocol, "stall_s", STALL_S)


@contextmanager
def connected(server: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        yield connection


def closed_after_s(connection: socket.socket) -> float:
    """Return after how long the server hung up."""
    begun_s = time.monotonic()
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - begun_s


def has_owner(server_port: int, client_port: int) -> bool:
    """Tell whether the server still holds its end of a connection; the kernel may still try to deliver what is left."""
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *_, inode = line.split()[:10]
        if (local[-4:], remote[-4:]) == (f"{server_port:04X}", f"{client_port:04X}"):
            return inode != "0"
    return False


@pytest.mark.parametrize("sent", [b"", b"GET /he", HEAD[:-2], b"\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(server: Served, sent: bytes) -> None:
    with connected(server) as connection:
        connection.sendall(sent)
        assert HEAD_S * 0.8 < closed_after_s(connection) < HEAD_S + 5


def test_a_head_that_trickles_is_not_waited_for_either(server: Served) -> None:
    with connected(server) as connection:
        begun_s = time.monotonic()
        with contextlib.suppress(OSError):  # it hung up
            for number in range(200):
                connection.sendall(f"X-Header-{number}: y\r\n".encode() if number else HEAD[:-2])
                time.sleep(0.05)
        assert time.monotonic() - begun_s < HEAD_S + 5


def test_a_body_that_stalls_is_not_waited_for_and_one_that_moves_is(server: Served) -> None:
    with connected(server) as stalling:
        stalling.sendall(HEAD + b"x" * 50)
        assert STALL_S * 0.8 < closed_after_s(stalling) < STALL_S + 5
    with connected(server) as moving:
        moving.sendall(HEAD)
        for _ in range(10):
            moving.sendall(b"x" * 10)
            time.sleep(STALL_S / 5)
        assert moving.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_is_quick_and_then_idle_is_not_cut_off(server: Served, guest: Guest) -> None:
    for _ in range(3):
        assert guest.status().status_code == 204
        time.sleep(HEAD_S * 1.5)
    assert server.http.get("/healthz").status_code == 200


def test_a_head_larger_than_any_is_refused(server: Served) -> None:
    with connected(server) as connection:
        connection.sendall(HEAD[:-2] + b"X-Large: " + b"y" * (HEAD_BYTES_MAX + 1))
        assert connection.recv(1000).startswith(b"HTTP/1.1 431 ")


def test_what_is_no_http_is_told_with_who_sent_it(server: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), connected(server) as connection:
        connection.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
        port = connection.getsockname()[1]
    told = [record.getMessage() for record in caplog.records if "no HTTP request" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"127.0.0.1:{port} sent")


def test_an_upgrade_that_there_is_not_is_served_as_it_is_and_told_to_nobody(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert httpx.get(f"{server.url}/healthz", headers=asked).status_code == 200
    assert "Unsupported" not in caplog.text


def test_more_connections_than_there_may_be_are_told_to_come_again(
    server: Served, guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_s", 20.0)
    monkeypatch.setattr(BoundedProtocol, "connections_max", 20)
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(30)]
    try:
        replies = [connection.recv(1000) for connection in connections[25:]]
        assert all(reply.startswith(b"HTTP/1.1 503 ") and b"retry-after: 1" in reply for reply in replies)
        assert guest.status().status_code == 204
    finally:
        for connection in connections:
            connection.close()


def test_replies_that_nobody_takes_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def listen_with_small_buffers(host: str, port: int) -> socket.socket:
        listener = listen(host, port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        return listener

    monkeypatch.setattr(serving, "listen", listen_with_small_buffers)
    log = SqliteLog(tmp_path / "log.db", 4)
    with serving.served(serving.settings_for(tmp_path), log) as server, connected(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        wait_until(lambda: not has_owner(server.port, connection.getsockname()[1]))
        assert server.http.get("/healthz").status_code == 200
    log.close()
    assert "Exception" not in caplog.text
