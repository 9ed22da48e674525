"""While the log is away everybody gets their 503 at once, nothing is kept waiting, and it recovers by itself."""

import resource
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from storage.clock import now_ms
from storage.event_log import DECISIONS_TOPIC, Bounds, Frame, LogInDoubt, LogUnavailable
from storage.sqlite_log import SqliteLog
from tests.ingest.serving import STATUS, Guest, Served, basic, served, settings_for
from tests.ingest.test_group_commit import ROOM, SESSION, a_guest, announce, counted, locked, wait_until
from tests.ingest.test_server import Process, a_process, lines_of

TIMEOUT_S = 1.0
AT_ONCE_S = 0.5


class Trouble(SqliteLog):
    """A log whose writes or reads fail as told, as those of a log on a network may."""

    failing_write: Exception | None = None
    failing_read: Exception | None = None

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        if self.failing_write is not None and frames[0].topic != DECISIONS_TOPIC:
            raise self.failing_write
        return super().append(frames, timeout_s)

    def bounds(self, topic: str) -> Mapping[int, Bounds]:
        if self.failing_read is not None:
            raise self.failing_read
        return super().bounds(topic)


@contextmanager
def troubled(folder: Path) -> Iterator[tuple[Trouble, Guest]]:
    log = Trouble(folder / "log.db", 4)
    with served(settings_for(folder), log) as server:
        announce(log)
        wait_until(lambda: server.edge.directory.size == (1, 1))
        yield log, Guest(server, ROOM, server.edge.tokens.issue(ROOM, SESSION, now_ms()))
    log.close()


def took_s(guest: Guest) -> tuple[int, float]:
    begun_s = time.monotonic()
    return guest.status().status_code, time.monotonic() - begun_s


def metric(server: Served, name: str) -> float:
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name} "))


def test_who_comes_while_the_log_is_away_is_not_kept_waiting(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest, ThreadPoolExecutor(16) as pool:
        with locked(tmp_path):
            assert guest.status().status_code == 503  # after the whole timeout: it was not known
            end_s = time.monotonic() + 3 * TIMEOUT_S
            kept_waiting, answered = 0, 0
            while time.monotonic() < end_s:
                for status, seconds in pool.map(lambda _: took_s(guest), range(16)):
                    assert status == 503
                    answered += 1
                    kept_waiting += seconds > AT_ONCE_S
            assert answered > 60
            # At most one write at a time is tried, and whoever came in the same moment goes along.
            assert kept_waiting <= 16 * 3
            assert kept_waiting < answered / 3
        wait_until(lambda: guest.status(connections=99).status_code == 204)
        assert set(counted(guest.server)) == {99}


def test_a_refusal_has_each_contract_s_own_form(tmp_path: Path) -> None:
    with troubled(tmp_path) as (log, guest):
        log.failing_write = log.failing_read = LogUnavailable("nobody there")
        assert guest.status().status_code == 503
        loop = guest.status()
        assert (loop.json(), loop.headers["Retry-After"]) == (
            {"code": 503, "errno": 201, "error": "Service Unavailable"},
            "30",
        )
        native = guest.server.native({"room": "r", "session": "s", "event": "e", "state": "init"})
        assert (native.status_code, native.json(), native.headers["Retry-After"]) == (
            503,
            {"detail": "the log is away"},
            "1",
        )


def test_readiness_and_metrics_tell_that_the_log_is_away(tmp_path: Path) -> None:
    with troubled(tmp_path) as (log, guest):
        server = guest.server
        log.failing_write = LogUnavailable("the disk is full")
        assert guest.status().status_code == 503
        ready = server.http.get("/readyz").json()
        assert "log" in ready["missing"]
        assert ready["log"] == "nothing can be written: the disk is full"
        assert metric(server, "roomstate_ingest_log_is_away") == 1
        log.failing_write = None
        wait_until(lambda: guest.status().status_code == 204)
        assert server.http.get("/readyz").json()["log"] == "ok"
        assert metric(server, "roomstate_ingest_log_is_away") == 0


def test_what_the_log_is_in_doubt_about_is_counted_apart_and_said_so(tmp_path: Path) -> None:
    with troubled(tmp_path) as (log, guest):
        log.failing_write = LogInDoubt("no answer in time")
        native = guest.server.native({"room": "r", "session": "s", "event": "e", "state": "init", "id": "1"})
        assert (native.status_code, native.headers["Retry-After"]) == (503, "1")
        assert "did not say in time" in native.json()["detail"]
        assert metric(guest.server, "roomstate_ingest_inputs_in_doubt_total") == 1
        assert metric(guest.server, "roomstate_ingest_inputs_not_written_total") == 0


def test_while_the_log_can_not_even_be_read_no_write_is_tried(tmp_path: Path) -> None:
    with troubled(tmp_path) as (log, guest):
        log.failing_write = log.failing_read = LogUnavailable("nobody there")
        assert guest.status().status_code == 503
        refused = metric(guest.server, "roomstate_ingest_queue_refusals_total")
        appends = metric(guest.server, "roomstate_ingest_append_seconds_count")
        for _ in range(20):
            assert guest.status().status_code == 503
        assert metric(guest.server, "roomstate_ingest_queue_refusals_total") == refused + 20
        assert metric(guest.server, "roomstate_ingest_append_seconds_count") == appends
        log.failing_write = log.failing_read = None
        wait_until(lambda: guest.status().status_code == 204)


def test_it_ends_soon_although_the_log_is_away(tmp_path: Path) -> None:
    with troubled(tmp_path) as (log, guest):
        log.failing_write = log.failing_read = LogUnavailable("nobody there")
        assert guest.status().status_code == 503
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 10


def test_a_full_disk_is_a_503_until_there_is_room_again(tmp_path: Path) -> None:
    with a_process(tmp_path) as running:
        log = SqliteLog(tmp_path / "log.db", 4)
        announce(log)
        log.close()
        replies = under_load(running, lambda: fill_and_free(running, tmp_path))
    assert {status for status, _ in replies} == {204, 503}
    refused_s = sorted(seconds for status, seconds in replies if status == 503)
    assert len(refused_s) > 50
    assert refused_s[len(refused_s) * 9 // 10] < AT_ONCE_S
    assert lines_of(tmp_path / "log.db") == sum(status == 204 for status, _ in replies)
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()


def fill_and_free(running: Process, folder: Path) -> None:
    """Let the process' files grow no more for a while; to it that is a full disk."""
    pid = running.process.pid
    size_bytes = max((folder / name).stat().st_size for name in ("log.db", "log.db-wal"))
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes + 100_000, unlimited[1]))
    time.sleep(3)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    wait_until(lambda: httpx.get(f"{running.url}/readyz").json()["log"] == "ok")
    time.sleep(1)


def under_load(running: Process, meanwhile: object) -> list[tuple[int, float]]:
    """Return status and duration of every reply to clients that post as fast as they can."""
    replies: list[tuple[int, float]] = []
    stopping = threading.Event()

    def post() -> None:
        headers = {"Authorization": basic(running.token())}
        body = {**STATUS, "event": "x" * 2000}
        with httpx.Client(base_url=running.url, headers=headers, timeout=30) as client:
            while not stopping.is_set():
                begun_s = time.monotonic()
                status = client.post(f"/rooms/{ROOM}", json=body).status_code
                replies.append((status, time.monotonic() - begun_s))
                if status != 204:
                    time.sleep(0.02)

    posters = [threading.Thread(target=post) for _ in range(4)]
    for poster in posters:
        poster.start()
    wait_until(lambda: len(replies) > 50)
    try:
        meanwhile()  # type: ignore[operator]
    finally:
        stopping.set()
        for poster in posters:
            poster.join()
    return replies
