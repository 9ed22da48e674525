"""Several processes on one SQLite log: writing at once, dying in the middle, freezing."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.event_log import INPUTS_TOPIC, LogUnavailable
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_worker import WorkerLock
from tests.storage.event_log_contract import append, frame, read_all, values_of
from tests.storage.writer_process import PARTITIONS, PARTS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(path, PARTITIONS)
    yield opened
    opened.close()


def start_writer(path: Path, name: str, calls: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.storage.writer_process", str(path), name, str(calls)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def check_whole(path: Path) -> dict[tuple[str, int], int]:
    """Check integrity and that each partition is without a gap; return how many frames of each call are there."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    log = SqliteLog(path, PARTITIONS)
    counts: dict[tuple[str, int], int] = {}
    for partition, bounds in log.bounds(INPUTS_TOPIC).items():
        records = read_all(log, partition)
        assert [record.offset for record in records] == list(range(bounds.start, bounds.end))
        for record in records:
            name, call, _ = record.value.split(b" ", 2)
            key = (name.decode(), int(call))
            counts[key] = counts.get(key, 0) + 1
    log.close()
    return counts


class WriterHeldInTransaction:
    """Another process in the middle of an append, stopped by a signal."""

    CODE = """
import sys
from storage.event_log import INPUTS_TOPIC, Frame
from storage.sqlite_log import SqliteLog
log = SqliteLog(sys.argv[1], 4)
def work(connection):
    connection.execute("INSERT INTO frames VALUES (1, 0, 0, 1, 1, CAST('held' AS BLOB))")
    connection.execute("UPDATE partitions SET end_offset = 1 WHERE topic = 1 AND partition = 0")
    print("in", flush=True)
    sys.stdin.readline()
log._writer.transact(work, 60.0)
"""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.CODE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "in\n"

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw_and_finish(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0


def test_writing_processes_interleave_without_loss_or_gap(path: Path) -> None:
    writers = [start_writer(path, name, 150) for name in ("a", "b", "c", "d")]
    for writer in writers:
        writer.communicate(timeout=90)
        assert writer.returncode == 0
    counts = check_whole(path)
    assert counts == {(name, call): PARTS for name in "abcd" for call in range(150)}


def test_a_call_of_a_writer_that_is_killed_is_there_as_a_whole_or_not_at_all(path: Path) -> None:
    chance = random.Random(7)
    acknowledged: set[tuple[str, int]] = set()
    for life in range(12):
        killed, bystander = start_writer(path, f"k{life}", 1_000_000), start_writer(path, f"b{life}", 20)
        assert killed.stdout is not None
        lines = [killed.stdout.readline()]
        time.sleep(chance.random() * 0.05)
        killed.kill()
        lines += killed.communicate(timeout=60)[0].splitlines()
        bystander.communicate(timeout=60)
        assert bystander.returncode == 0, "a writer beside the killed one goes on"
        acknowledged |= {(f"k{life}", int(line.split()[0])) for line in lines if len(line.split()) == 1 + PARTS}
        acknowledged |= {(f"b{life}", call) for call in range(20)}
        counts = check_whole(path)
        assert set(counts.values()) == {PARTS}
        assert acknowledged <= counts.keys()


def test_a_frozen_writer_makes_others_give_up_in_time_and_a_thawed_one_go_on(path: Path, log: SqliteLog) -> None:
    holder = WriterHeldInTransaction(path)
    holder.freeze()
    started = time.monotonic()
    with pytest.raises(LogUnavailable, match="busy"):
        log.append([frame("refused")], 0.3)
    assert time.monotonic() - started < 5
    assert values_of(read_all(log)) == [], "readers do not wait"
    holder.thaw_and_finish()
    assert append(log, "taken") == [1]
    assert values_of(read_all(log)) == ["held", "taken"]


def test_a_database_locked_by_a_foreign_tool_is_unavailable_in_time_and_nothing_appears_later(
    path: Path, log: SqliteLog
) -> None:
    append(log, "before")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(LogUnavailable, match="locked"):
            log.append([frame("refused")], 0.3)
        assert 0.25 < time.monotonic() - started < 5
        foreign.execute("COMMIT")
    assert append(log, "after") == [1]
    assert values_of(read_all(log)) == ["before", "after"]


def test_a_worker_is_counted_while_it_lives(path: Path, log: SqliteLog) -> None:
    code = """
import sys, pathlib
from storage.sqlite_log_worker import WorkerLock
assert WorkerLock(pathlib.Path(sys.argv[1])).try_acquire()
print("held", flush=True)
sys.stdin.read()
"""
    worker = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "held\n"
    assert log.consumers() == 1
    assert not WorkerLock(path).try_acquire()
    worker.kill()
    worker.communicate(timeout=30)
    assert log.consumers() == 0
    mine = WorkerLock(path)
    assert mine.try_acquire()
    assert log.consumers() == 1
    mine.release()
    assert log.consumers() == 0
