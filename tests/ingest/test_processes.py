"""Several ingest processes behind one port: what dies, what goes on, what counts, what stops."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ingest.keys import Keys
from ingest.listening import listen
from ingest.tokens import SessionTokens
from storage.clock import now_ms
from storage.sqlite_log import SqliteLog
from tests.ingest.serving import STATUS, basic
from tests.ingest.test_group_commit import ROOM, SESSION, announce
from tests.ingest.test_server import lines_of
from tests.ingest.two_processes import NAMES, Through, TwoProcesses

ACCEPTED = "roomstate_ingest_inputs_accepted_total"
APPENDS = "roomstate_ingest_append_seconds_count"


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoProcesses]:
    """Two processes with somebody in a room."""
    running = TwoProcesses(tmp_path)
    told(running)
    running.until(lambda: running.through(NAMES[0]).metrics()["roomstate_ingest_decisions_read_total"] == 4)
    try:
        yield running
    finally:
        running.end(signal.SIGKILL)


def told(two: TwoProcesses) -> None:
    """Let both know of the room and who is in it."""
    log = SqliteLog(two.folder / "log.db", 4)
    announce(log)
    log.close()


def headers() -> dict[str, str]:
    """Return what the one in the room sends."""
    return {"Authorization": basic(SessionTokens(Keys.of(b"a secret")).issue(ROOM, SESSION, now_ms()))}


def posted(through: Through, count: int) -> None:
    """Post as many statuses; all are taken."""
    replies = [through.http.post(f"/rooms/{ROOM}", json=STATUS, headers=headers()) for _ in range(count)]
    assert {reply.status_code for reply in replies} == {204}


def is_gone(pid: int) -> bool:
    """Tell whether no process of that id runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_one_that_dies_is_started_again_and_no_counter_goes_back(two: TwoProcesses) -> None:
    first, second = (two.through(name) for name in NAMES)
    posted(first, 5)
    posted(second, 7)
    assert first.metrics()[ACCEPTED] == second.metrics()[ACCEPTED] == 12
    assert first.metrics()["roomstate_ingest_processes"] == 2
    doomed = two.pids()["ingest-1"]
    os.kill(doomed, signal.SIGKILL)
    posted(second, 1)
    assert second.metrics()[ACCEPTED] == 13
    two.until(lambda: second.metrics()["roomstate_ingest_processes"] == 1)
    two.until(lambda: second.metrics()["roomstate_ingest_processes"] == 2)
    assert two.pids()["ingest-1"] != doomed
    again = two.through("ingest-1")
    told(two)  # it has no store to ask who is there
    two.until(lambda: again.metrics()["roomstate_ingest_decisions_read_total"] > 4)
    posted(again, 1)
    assert again.metrics()[ACCEPTED] == second.metrics()[ACCEPTED] == 14
    assert again.metrics()[APPENDS] == second.metrics()[APPENDS] == 14
    assert "ingest-1 ended (killed by SIGKILL); starting it again in 0.2 s" in two.log
    assert two.end() == 0
    assert lines_of(two.folder / "log.db") == 14
    assert "Traceback" not in two.log, two.log


def test_connections_that_nobody_accepted_yet_outlive_the_processes(two: TwoProcesses) -> None:
    pids = two.pids()
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", two.port), timeout=60) as waiting:
        waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        assert waiting.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_told_to_end_under_load_both_answer_what_they_took(two: TwoProcesses) -> None:
    replies: list[int] = []

    def post() -> None:
        with httpx.Client(base_url=two.url, headers=headers(), timeout=20) as client:
            while True:
                try:
                    replies.append(client.post(f"/rooms/{ROOM}", json=STATUS).status_code)
                except httpx.TransportError:
                    return

    posters = [threading.Thread(target=post) for _ in range(6)]
    for poster in posters:
        poster.start()
    two.until(lambda: replies.count(204) > 100)
    pids, folder = two.pids(), two.folder_of_both()
    assert two.end() == 0
    for poster in posters:
        poster.join()
    written = lines_of(two.folder / "log.db")
    assert replies.count(204) <= written <= replies.count(204) + len(posters)
    assert "Traceback" not in two.log, two.log
    assert all(is_gone(pid) for pid in pids.values())
    assert not folder.exists()


def test_nothing_is_left_when_the_parent_is_killed(two: TwoProcesses) -> None:
    pids, folder = two.pids(), two.folder_of_both()
    assert len(pids) == 2
    two.end(signal.SIGKILL)
    for _ in range(200):
        if all(is_gone(pid) for pid in pids.values()) and not folder.exists():
            break
        threading.Event().wait(0.05)
    assert all(is_gone(pid) for pid in pids.values())
    assert not folder.exists()


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [sys.executable, "-m", "roomstate", "ingest", "--ingest-processes", "2", "--port", port],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"ROOMSTATE_PORT={port}" in refused.stderr


def test_a_secret_that_is_missing_is_one_line(tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "roomstate", "ingest", "--ingest-processes", "2", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "ROOMSTATE_LOG_URL": "kafka://localhost", "ROOMSTATE_STORE_URL": "http://u:p@localhost/x"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "ROOMSTATE_SECRET must be set" in refused.stderr


def test_one_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "store.password").mkdir()  # what only the processes themselves read
    ended = subprocess.run(
        [sys.executable, "-m", "roomstate", "ingest", "--ingest-processes", "2", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "ROOMSTATE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "store.password" in ended.stderr or "cannot be" in ended.stderr
    assert "Traceback" not in ended.stderr
