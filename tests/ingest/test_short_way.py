"""The short way of a status gives what the long way gives: the same replies, the same inputs, in the same order."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.http_protocol import BoundedProtocol
from ingest.loop.endpoint import RoomActionEndpoint
from state_machine.inputs import Input
from tests.ingest.serving import STATUS, Guest
from tests.ingest.test_group_commit import ROOM, a_guest, locked, wait_until

LONG = ("Connection: keep-alive, x",)
"""Only the long way understands it, and it changes nothing here."""
_REPLY = re.compile(rb"HTTP/1\.1 [1-5].*?\r\n\r\n(?:\{.*?\})?", re.DOTALL)


@pytest.fixture
def long_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rooms of the posts that came to the application."""
    rooms: list[str] = []
    whole = RoomActionEndpoint.__call__

    async def noted(self: RoomActionEndpoint, *args: Any) -> None:
        rooms.append(args[-1])
        await whole(self, *args)

    monkeypatch.setattr(RoomActionEndpoint, "__call__", noted)
    return rooms


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with a_guest(tmp_path_factory.mktemp("short"), allowed_origins=("https://call.example",)) as found:
        yield found


def request(
    guest: Guest, *further: str, body: bytes | None = None, path: str = f"/rooms/{ROOM}", **members: Any
) -> bytes:
    body = json.dumps({**STATUS, **members}).encode() if body is None else body
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *further]
    lines += [f"Authorization: {guest.headers['Authorization']}"] * ("Authorization" not in "".join(further))
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def connected(guest: Guest) -> socket.socket:
    return socket.create_connection(("127.0.0.1", guest.server.port), timeout=20)


def replies(connection: socket.socket, count: int = 1) -> list[bytes]:
    """Return so many whole replies, their dates left out."""
    received = b""
    while len(found := _REPLY.findall(received)) < count:
        part = connection.recv(65536)
        assert part, received
        received += part
    assert b"".join(found) == received
    return [re.sub(rb"date: [^\r]*\r\n", b"", each) for each in found]


def meant(inputs: list[Input]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(each, name) for name in Input.__slots__ if name != "received_at_ms") for each in inputs]


@pytest.mark.parametrize(
    ("further", "options"),
    [
        ((), {}),
        (("Connection: keep-alive", "User-Agent: Mozilla/5.0 (\xe9)"), {}),
        (("Origin: https://call.example",), {}),
        (("Origin: https://other.example",), {}),
        (("X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: https"), {}),
        (("X-Forwarded-For: 192.0.2.9, 127.0.0.1",), {}),
        (("X-Forwarded-For: 192.0.2.9", "X-Forwarded-For: 198.51.100.7"), {}),
        (("X-Forwarded-For: [2001:db8::9]:4711",), {}),
        (("X-Forwarded-For: ", "X-Forwarded-Proto: nonsense"), {}),
        (("X-Forwarded-For: \xe9",), {}),
        ((), {"path": f"/v0/rooms/{ROOM}"}),
        ((), {"path": f"/V0/Rooms/{ROOM}/?a=b"}),
        ((), {"path": f"/rooms/{ROOM.replace('T', '%54')}"}),
        ((), {"event": "ä\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"), "state": "x" * 3000}),
        ((), {"connections": -1}),
        ((), {"connections": "2"}),
        ((), {"action": "dance"}),
        ((), {"body": b'{"action": "status"'}),
        ((), {"body": b""}),
        ((), {"body": b'{"action": "status", "event": "\xff"}'}),
        (("Authorization: Basic bm9ib2R5",), {}),
        (("Content-Encoding: br",), {}),
        ((), {"path": "/rooms/anotherRoom"}),
    ],
)
def test_both_ways_answer_and_write_the_same(guest: Guest, further: tuple[str, ...], options: dict[str, Any]) -> None:
    asked = request(guest, *further, **options)
    before = len(guest.server.inputs())
    with connected(guest) as connection:
        said = []
        for _ in range(3):
            connection.sendall(asked)
            said += replies(connection)
    with connected(guest) as connection:
        connection.sendall(request(guest, *further, *LONG, **options))
        (at_length,) = replies(connection)
    assert said == [at_length] * 3
    written = meant(guest.server.inputs()[before:])
    assert len(written) in (0, 4)
    assert written == written[:1] * len(written)


def test_statuses_do_not_come_to_the_application(guest: Guest, long_calls: list[str]) -> None:
    with connected(guest) as connection:
        for number in range(5):
            connection.sendall(request(guest, event="x" * number * 7))
            assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
        assert long_calls == []
        connection.sendall(request(guest, *LONG))
        replies(connection)
    assert long_calls == [ROOM]


def test_what_a_proxy_passed_on_goes_the_short_way_with_the_clients_address(
    guest: Guest, long_calls: list[str]
) -> None:
    with connected(guest) as connection:
        for address in ("192.0.2.9", "198.51.100.7"):
            connection.sendall(request(guest, f"X-Forwarded-For: {address}", "X-Forwarded-Proto: https"))
            assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
    assert long_calls == []
    assert [each.client_ip.rpartition(".")[0] for each in guest.server.inputs()[-2:]] == ["192.0.2", "198.51.100"]


def test_whoever_is_no_proxy_cannot_name_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, long_calls: list[str]
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "203.0.113.1")
    with a_guest(tmp_path) as guest, connected(guest) as connection:
        for _ in range(2):
            connection.sendall(request(guest, "X-Forwarded-For: 192.0.2.9"))
            assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
        written = [each.client_ip for each in guest.server.inputs() if each.kind == "status"]
    assert long_calls == [ROOM]  # the first, whose token was not known yet
    assert len(set(written)) == 1
    assert written[0].startswith("127.0.0.")


def test_a_head_that_came_before_goes_with_other_bodies(guest: Guest) -> None:
    events = ["a", "b" * 40, "", "c" * 2000, "d"]
    before = len(guest.server.inputs())
    with connected(guest) as connection:
        for event in events:
            connection.sendall(request(guest, event=event))
            replies(connection)
    assert [each.event for each in guest.server.inputs()[before:]] == events


def test_a_request_may_come_in_pieces_after_whole_ones(guest: Guest) -> None:
    asked = request(guest, event="in pieces")
    before = len(guest.server.inputs())
    cuts = [
        1,
        4,
        40,
        asked.index(b"Content-Length") + 17,
        asked.index(b"\r\n\r\n") + 2,
        len(asked) - 100,
        len(asked) - 1,
    ]
    with connected(guest) as connection:
        for cut in cuts:
            connection.sendall(asked)
            assert replies(connection)[0].startswith(b"HTTP/1.1 204")
            connection.sendall(asked[:cut])
            time.sleep(0.03)
            connection.sendall(asked[cut:])
            assert replies(connection)[0].startswith(b"HTTP/1.1 204")
            connection.sendall(b"\r\n")
    assert [each.event for each in guest.server.inputs()[before:]] == ["in pieces"] * 2 * len(cuts)


def test_requests_sent_at_once_are_answered_in_their_order(guest: Guest) -> None:
    before = len(guest.server.inputs())
    with connected(guest) as connection:
        for _ in range(3):
            asked = [request(guest, event=str(number)) for number in range(4)]
            asked.insert(2, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.sendall(b"".join(asked))
            said = replies(connection, 5)
            assert [each.startswith(b"HTTP/1.1 200") for each in said] == [False, False, True, False, False]
    assert [each.event for each in guest.server.inputs()[before:]] == [str(number) for number in range(4)] * 3


def test_who_says_so_is_hung_up_on_after_the_reply(guest: Guest) -> None:
    for close in (["Connection: close"], ["Connection: Close", *LONG]):
        with connected(guest) as connection:
            connection.sendall(request(guest))
            replies(connection)
            connection.sendall(request(guest, *close))
            assert replies(connection) == [b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"]
            assert connection.recv(10) == b""


def test_a_body_in_chunks_and_one_that_waits_to_be_asked_for_are_taken(guest: Guest) -> None:
    body = json.dumps(STATUS).encode()
    asked = request(guest, "Transfer-Encoding: chunked").partition(b"Content-Length")[0] + b"\r\n"
    with connected(guest) as connection:
        connection.sendall(request(guest))
        replies(connection)
        connection.sendall(asked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
        head = request(guest, "Expect: 100-continue")[: -len(body)]
        connection.sendall(head)
        assert replies(connection) == [b"HTTP/1.1 100 Continue\r\n\r\n"]
        connection.sendall(body)
        assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]


def test_who_left_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    with a_guest(tmp_path, log_timeout_ms=20_000) as guest, connected(guest) as staying:
        with locked(tmp_path), connected(guest) as leaving:
            for connection in (leaving, staying):
                connection.sendall(request(guest))
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 2)
        assert replies(staying) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
        assert len(guest.server.inputs()) == 2


def test_idle_connections_are_hung_up_on_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[BoundedProtocol] = []
    whole = BoundedProtocol.connection_made

    def noted(self: BoundedProtocol, transport: Any) -> None:
        made.append(self)
        whole(self, transport)

    monkeypatch.setattr(BoundedProtocol, "connection_made", noted)
    with a_guest(tmp_path, log_timeout_ms=20_000) as guest, connected(guest) as connection:

        def look(idle_s: float) -> None:
            """Have the timer run out on the connection, as if the last reply were so long ago."""
            looked = threading.Event()

            def run_out() -> None:
                made[-1]._idle_since_s -= idle_s
                made[-1].timeout_keep_alive_handler()
                looked.set()

            made[-1].loop.call_soon_threadsafe(run_out)
            assert looked.wait(20)

        for _ in range(3):
            connection.sendall(request(guest))
            replies(connection)
            look(0.0)
        with locked(tmp_path):
            connection.sendall(request(guest))
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 1)
            look(1000.0)
        assert replies(connection) == [b"HTTP/1.1 204 No Content\r\n\r\n"]
        assert made[-1].timeout_keep_alive_task is not None
        look(1000.0)
        assert connection.recv(10) == b""


def test_a_fault_of_the_short_way_is_told_and_the_long_way_answers(
    guest: Guest, long_calls: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> bool:
        raise RuntimeError("not a fault of the request")

    monkeypatch.setattr("ingest.loop.short_way.ShortWay.take", broken)
    with connected(guest) as connection:
        connection.sendall(request(guest))
        assert replies(connection)[0].startswith(b"HTTP/1.1 204")
    assert long_calls == [ROOM]
    assert "not a fault of the request" in caplog.text
