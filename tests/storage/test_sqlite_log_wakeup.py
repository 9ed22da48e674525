"""Readers of a SQLite log are woken by commits of other processes, and manage without."""

import contextlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.event_log import INPUTS_TOPIC
from storage.sqlite_log import SqliteLog
from storage.wakeup import Sleeper, Waker, wakeup_folder
from tests.storage.event_log_contract import append, values_of

PARTITIONS = 4


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(path, PARTITIONS)
    yield opened
    opened.close()


def test_a_reader_in_another_process_is_woken_within_milliseconds(path: Path, log: SqliteLog) -> None:
    code = """
import sys, time
from storage.event_log import INPUTS_TOPIC
from storage.sqlite_log import SqliteLog
tail = SqliteLog(sys.argv[1], 4).follow(INPUTS_TOPIC, {})
print("ready", flush=True)
for _ in range(30):
    tail.poll(30.0)
    print(time.monotonic_ns(), flush=True)
"""
    reader = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    waits_ms: list[float] = []
    for number in range(30):
        append(log, str(number))
        committed_ns = time.monotonic_ns()
        waits_ms.append((int(reader.stdout.readline()) - committed_ns) / 1e6)
    reader.communicate(timeout=30)
    assert sorted(waits_ms)[15] < 100, "far below the timer that covers lost hints"


def test_sockets_of_dead_readers_are_removed(path: Path, log: SqliteLog) -> None:
    code = """
import os, sys
from storage.sqlite_log import SqliteLog
tail = SqliteLog(sys.argv[1], 4).follow(sys.argv[2], {})
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code, str(path), INPUTS_TOPIC], check=True, timeout=60)
    assert len(list(wakeup_folder(path).iterdir())) == 1
    append(log, "a")
    assert list(wakeup_folder(path).iterdir()) == []


def test_readers_of_a_log_with_a_long_path_are_woken_too(tmp_path: Path) -> None:
    path = tmp_path / ("long-" * 30) / "log.db"
    log = SqliteLog(path, PARTITIONS)
    tail = log.follow(INPUTS_TOPIC, {})
    assert len(list(wakeup_folder(path).iterdir())) == 1
    append(log, "a")
    assert values_of(tail.poll(5.0)) == ["a"]
    tail.close()
    log.close()
    assert not wakeup_folder(path).exists()


def test_whoever_comes_while_the_last_one_goes_is_woken(tmp_path: Path) -> None:
    folder, over = tmp_path / "wake", threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            Sleeper(folder, 2).close()

    others = [threading.Thread(target=come_and_go) for _ in range(2)]
    for other in others:
        other.start()
    try:
        waker = Waker(folder)
        for _ in range(500):
            sleeper = Sleeper(folder, 1)
            waker.wake(1)
            assert select.select([sleeper], [], [], 5.0)[0]
            sleeper.close()
        waker.close()
    finally:
        over.set()
        for other in others:
            other.join()
    assert not folder.exists()


def test_a_reader_that_cannot_have_a_socket_still_reads(path: Path) -> None:
    path.with_name(path.name + ".wake").write_text("in the way")
    log = SqliteLog(path, PARTITIONS)
    tail = log.follow(INPUTS_TOPIC, {})
    append(log, "a")
    assert values_of(tail.poll(5.0)) == ["a"]
    assert tail.poll(0.3) == []
    tail.close()
    log.close()


def test_a_sleeper_with_a_full_buffer_is_left_in_peace(tmp_path: Path) -> None:
    sleeper, waker = Sleeper(tmp_path, 1), Waker(tmp_path)
    for _ in range(2000):
        waker.wake(1)
    assert len(list(tmp_path.iterdir())) == 1
    sleeper.sleep(5.0)
    sleeper.forget()
    sleeper.close()
    waker.close()


def test_what_is_no_socket_in_the_folder_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "1-notes").write_text("hello")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as stream:
        stream.bind(str(tmp_path / "1-stream"))
        waker = Waker(tmp_path)
        waker.wake(1)
        waker.close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["1-notes", "1-stream"]
