"""204 means durable; 503 means that it is not in the log and never will be; a full queue says so at once."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.edge import EdgeLimits
from ingest.writer import WriterLimits
from state_machine.room import NEVER_MS
from storage.clock import now_ms
from storage.decisions import Decision, encode_decision
from storage.event_log import DECISIONS_TOPIC, EventLog, Frame
from storage.frames import partition_of
from storage.sqlite_log import SqliteLog
from tests.ingest.serving import STATUS, Guest, Served, served, settings_for

ROOM, SESSION = "aRoomToken0", "a-session"
PARTITIONS = 4
TIMEOUT_MS = 1000


def announce(log: EventLog, room: str = ROOM, session: str = SESSION, lease_ends_at_ms: int = NEVER_MS) -> None:
    """Publish a room and a session in it, as a processor does."""
    partition = partition_of("call", room, PARTITIONS)
    offset = log.bounds(DECISIONS_TOPIC)[partition].end
    created = Decision((partition, offset, 0, 0), "room_created", "call", room, now_ms())
    opened = Decision(
        (partition, offset, 1, 0),
        "session_opened",
        "call",
        room,
        now_ms(),
        session=session,
        opened_at_ms=now_ms(),
        lease_ends_at_ms=lease_ends_at_ms,
    )
    value = b"\n".join((encode_decision(created), encode_decision(opened)))
    log.append([Frame(DECISIONS_TOPIC, partition, value, 2)], 5.0)


def wait_until(condition: Any) -> None:
    """Return once the condition holds."""
    give_up_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


@contextmanager
def a_guest(folder: Path, limits: EdgeLimits | None = None, **settings: Any) -> Iterator[Guest]:
    """Serve somebody in a room who was heard of in the log alone."""
    log = SqliteLog(folder / "log.db", PARTITIONS)
    with served(settings_for(folder, **{"log_timeout_ms": TIMEOUT_MS, **settings}), log, limits=limits) as server:
        announce(log)
        wait_until(lambda: server.edge.directory.size == (1, 1))
        yield Guest(server, ROOM, server.edge.tokens.issue(ROOM, SESSION, now_ms()))
    log.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the log's write lock, as a foreign program might."""
    connection = sqlite3.connect(folder / "log.db", isolation_level=None, timeout=10)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def in_background(pool: ThreadPoolExecutor, guest: Guest, **members: Any) -> "Future[httpx.Response]":
    return pool.submit(guest.status, **members)


def counted(server: Served) -> list[int]:
    return sorted(item.connections for item in server.inputs())


def test_no_204_comes_before_the_commit(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest, ThreadPoolExecutor(1) as pool:
        with locked(tmp_path):
            reply = in_background(pool, guest)
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 1)
            time.sleep(0.2)
            assert not reply.done()
            assert guest.server.inputs() == []
        assert reply.result().status_code == 204
        assert len(guest.server.inputs()) == 1


def test_a_log_that_takes_too_long_is_a_503_and_nothing_appears_later(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest:
        with locked(tmp_path):
            begun_s = time.monotonic()
            reply = guest.status(connections=7)
            took_s = time.monotonic() - begun_s
        assert reply.status_code == 503
        assert reply.json() == {"code": 503, "errno": 201, "error": "Service Unavailable"}
        assert reply.headers["Retry-After"] == "30"
        assert TIMEOUT_MS / 1000 * 0.9 < took_s < 10
        # Who comes before the log was looked at again is refused, too, and that is not kept either.
        wait_until(lambda: guest.status(connections=8).status_code == 204)
        assert counted(guest.server) == [8]


def test_what_waited_behind_a_blocked_write_is_answered_in_time_too(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest, ThreadPoolExecutor(8) as pool:
        with locked(tmp_path):
            first = in_background(pool, guest, connections=1)
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 1)
            time.sleep(TIMEOUT_MS / 2000)
            begun_s = time.monotonic()
            others = [in_background(pool, guest, connections=number) for number in range(2, 8)]
            assert {reply.result().status_code for reply in [first, *others]} == {503}
            assert time.monotonic() - begun_s < TIMEOUT_MS / 1000 + 5
        assert guest.status(connections=99).status_code == 204
        assert counted(guest.server) == [99]


def test_a_full_queue_is_a_503_at_once(tmp_path: Path) -> None:
    limits = EdgeLimits(writer=WriterLimits(lines=3))
    with a_guest(tmp_path, limits) as guest, ThreadPoolExecutor(4) as pool:
        with locked(tmp_path):
            waiting = [in_background(pool, guest, connections=number) for number in range(3)]
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 3)
            begun_s = time.monotonic()
            reply = guest.status(connections=50)
            assert time.monotonic() - begun_s < TIMEOUT_MS / 2000
            assert reply.status_code == 503
        assert {reply.result().status_code for reply in waiting} == {204}
        assert counted(guest.server) == [0, 1, 2]
        assert guest.server.edge.writer.waiting == (0, 0)


def test_the_queue_is_bounded_in_bytes(tmp_path: Path) -> None:
    limits = EdgeLimits(writer=WriterLimits(size_bytes=2000))
    with a_guest(tmp_path, limits) as guest:
        assert guest.status(event="x" * 3000).status_code == 503
        assert guest.status(event="x" * 1000).status_code == 204


def test_statuses_at_once_share_writes_and_each_is_written_once(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest, ThreadPoolExecutor(32) as pool:
        replies = [in_background(pool, guest, connections=number) for number in range(300)]
        assert {reply.result().status_code for reply in replies} == {204}
        assert counted(guest.server) == list(range(300))


def test_a_waiter_who_hangs_up_takes_nobody_along(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest, ThreadPoolExecutor(2) as pool:
        with locked(tmp_path):
            stays = in_background(pool, guest, connections=1)
            wait_until(lambda: guest.server.edge.writer.waiting[0] == 1)
            leaving = httpx.Client(base_url=guest.server.url, timeout=0.2)
            with pytest.raises(httpx.ReadTimeout):
                leaving.post(f"/rooms/{ROOM}", json={**STATUS, "connections": 2}, headers=guest.headers)
            leaving.close()
        assert stays.result().status_code == 204
        assert guest.status(connections=3).status_code == 204
        assert counted(guest.server) == [1, 2, 3]


class Failing(SqliteLog):
    """A log with a defect that no port promises."""

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        if frames[0].topic != DECISIONS_TOPIC:
            raise RuntimeError("a defect")
        return super().append(frames, timeout_s)


def test_a_defect_of_the_log_leaves_nobody_waiting(tmp_path: Path) -> None:
    log = Failing(tmp_path / "log.db", PARTITIONS)
    with served(settings_for(tmp_path), log) as server:
        announce(log)
        wait_until(lambda: server.edge.directory.size == (1, 1))
        guest = Guest(server, ROOM, server.edge.tokens.issue(ROOM, SESSION, now_ms()))
        assert [guest.status().status_code for _ in range(2)] == [503, 503]
    log.close()


def test_stopping_answers_and_keeps_what_was_taken(tmp_path: Path) -> None:
    replies: list[int] = []
    with a_guest(tmp_path) as guest:

        def post() -> None:
            with httpx.Client(base_url=guest.server.url, headers=guest.headers, timeout=20) as client:
                while True:
                    try:
                        replies.append(client.post(f"/rooms/{ROOM}", json=STATUS).status_code)
                    except httpx.TransportError:
                        return

        posters = [threading.Thread(target=post) for _ in range(4)]
        for poster in posters:
            poster.start()
        wait_until(lambda: len(replies) > 50)
    for poster in posters:
        poster.join()
    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    written = len(Served(guest.server.edge, log, 0).inputs())
    log.close()
    assert replies.count(204) <= written <= len(replies) + len(posters)
    assert set(replies) <= {204, 503}
