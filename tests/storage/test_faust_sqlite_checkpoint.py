"""Faust's consumer starts where the checkpoint says; the standby takes over from a worker that was killed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, PROCESSOR_GROUP, Frame
from storage.sqlite_log import SqliteLog
from tests.storage.faust_worker import PARTITIONS, FileCheckpoint, Place, Seen, make_app, running, until

ROOT = Path(__file__).parents[2]
EVERYTHING = frozenset(range(PARTITIONS))


class NotedCheckpoint:
    """Answers what it was told to, and notes what happened in which order."""

    def __init__(self, offsets: Mapping[int, int], notes: list[Any]) -> None:
        self.offsets = offsets
        self.notes = notes
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fault: Exception | None = None

    async def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        self.notes.append(("take over", partitions))
        await self.may_answer.wait()
        if self.fault is not None:
            raise self.fault
        self.notes.append("answered")
        return self.offsets

    async def give_up(self, partitions: frozenset[int]) -> None:
        self.notes.append(("give up", partitions))

    async def stand_still(self, partition: int, offset: int, why: str) -> None:
        self.notes.append(("stand still", partition, offset, why))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(path, PARTITIONS)
    yield opened
    opened.close()


def fill(log: SqliteLog, count: int) -> set[Place]:
    places: set[Place] = set()
    for _ in range(count):
        frames = [Frame(INPUTS_TOPIC, partition, b"{}", 1) for partition in range(PARTITIONS)]
        places |= set(enumerate(log.append(frames, 20.0)))
    return places


async def test_delivery_starts_where_the_checkpoint_says_whatever_faust_committed(path: Path, log: SqliteLog) -> None:
    fill(log, 20)
    log.commit(PROCESSOR_GROUP, INPUTS_TOPIC, {0: 20, 1: 3, 2: 7})
    seen = Seen()
    checkpoint = NotedCheckpoint({0: 0, 1: 5, 2: 20, 3: 19}, seen.places)
    async with running(make_app(path, seen, checkpoint)):
        await until(lambda: len(seen.places) >= 2 + 20 + 15 + 1, "frames from the checkpoint on")
        fill(log, 1)
        await until(lambda: len(seen.places) >= 2 + 36 + 4, "new frames")
    assert seen.places[:2] == [("take over", EVERYTHING), "answered"]
    assert seen.places[-1] == ("give up", EVERYTHING)
    expected = [(partition, n) for partition, first in checkpoint.offsets.items() for n in range(first, 21)]
    assert sorted(seen.places[2:-1]) == expected


async def test_nothing_is_delivered_before_the_checkpoint_answered(path: Path, log: SqliteLog) -> None:
    fill(log, 5)
    seen = Seen()
    checkpoint = NotedCheckpoint(dict.fromkeys(EVERYTHING, 2), seen.places)
    checkpoint.may_answer.clear()
    async with running(make_app(path, seen, checkpoint), is_awaited=False):
        await until(lambda: len(seen.places) == 1, "the question")
        fill(log, 5)
        await asyncio.sleep(0.7)
        assert seen.places == [("take over", EVERYTHING)]
        checkpoint.may_answer.set()
        await until(lambda: len(seen.places) >= 2 + 4 * 8, "frames from the checkpoint on")
    assert {offset for _, offset in seen.places[2:-1]} == set(range(2, 10))


async def test_a_partition_that_the_checkpoint_leaves_out_is_not_read(path: Path, log: SqliteLog) -> None:
    fill(log, 5)
    seen = Seen()
    async with running(make_app(path, seen, NotedCheckpoint({0: 0, 1: 0, 3: 0}, []))):
        await until(lambda: len(seen.places) == 15, "the other partitions")
        fill(log, 1)
        await until(lambda: len(seen.places) >= 18, "new frames of the other partitions")
    assert {partition for partition, _ in seen.places} == {0, 1, 3}


async def test_a_stopping_worker_does_not_take_over_once_more(path: Path, log: SqliteLog) -> None:
    seen = Seen()
    notes: list[Any] = []
    async with running(make_app(path, seen, NotedCheckpoint(dict.fromkeys(EVERYTHING, 0), notes))) as app:
        for _ in range(50):
            fill(log, 4)
        app.consumer.stop_flow()
        await app.consumer.perform_seek()
    assert notes == [("take over", EVERYTHING), "answered", ("give up", EVERYTHING)]


@pytest.mark.parametrize("is_slow", [False, True], ids=["raises", "does not answer"])
async def test_a_checkpoint_that_fails_ends_the_worker(path: Path, log: SqliteLog, is_slow: bool) -> None:
    fill(log, 5)
    seen = Seen()
    checkpoint = NotedCheckpoint({}, [])
    if is_slow:
        checkpoint.may_answer.clear()
    else:
        checkpoint.fault = RuntimeError("the store is behind the log's start")
    app = make_app(path, seen, checkpoint, broker_request_timeout=1.0, broker_session_timeout=0.9)
    async with running(app, is_awaited=False):
        await until(lambda: app.crashed, "the crash")
    assert seen.places == []


async def test_a_topic_beside_the_inputs_starts_at_its_committed_offsets(path: Path, log: SqliteLog) -> None:
    for number in range(10):
        log.append([Frame(DECISIONS_TOPIC, 0, f"{number}".encode(), 1)], 20.0)
    log.commit(PROCESSOR_GROUP, DECISIONS_TOPIC, {0: 4})
    fill(log, 3)
    seen = Seen()
    app = make_app(path, seen, NotedCheckpoint(dict.fromkeys(EVERYTHING, 2), []))
    decisions = app.topic(DECISIONS_TOPIC, value_type=bytes, value_serializer="raw")
    values: list[bytes] = []

    @app.agent(decisions, name="roomstate-tests-decisions")
    async def agent(stream: Any) -> None:
        async for value in stream:
            values.extend(record.value for record in value)

    async with running(app):
        await until(lambda: len(values) == 6 and len(seen.places) == 4, "both topics")
    assert values == [b"4", b"5", b"6", b"7", b"8", b"9"]


async def test_without_a_checkpoint_faust_s_own_offsets_hold(path: Path, log: SqliteLog) -> None:
    fill(log, 6)
    log.commit(PROCESSOR_GROUP, INPUTS_TOPIC, {0: 6, 1: 5})
    seen = Seen()
    async with running(make_app(path, seen)):
        await until(lambda: len(seen.places) == 1 + 6 + 6, "what was not committed")


async def test_a_standby_stops_when_told_to(path: Path, log: SqliteLog) -> None:
    seen = Seen()
    async with running(make_app(path, Seen())):
        standby = make_app(path, seen)
        async with running(standby, is_awaited=False):
            await until(lambda: standby.consumer.started, "the standby's start")
            await asyncio.sleep(1.5)
            assert standby.consumer.assignment() == set()
        fill(log, 1)
    assert seen.places == []
    assert log.consumers() == 0


async def test_a_standby_takes_over_when_the_worker_stops(path: Path, log: SqliteLog) -> None:
    first, second = Seen(), Seen()
    async with running(make_app(path, second), is_awaited=False):
        async with running(make_app(path, first), is_awaited=False):
            fill(log, 10)
            committed = dict.fromkeys(range(PARTITIONS), 10)
            await until(lambda: log.committed(PROCESSOR_GROUP, INPUTS_TOPIC) == committed, "all frames, wherever")
        fill(log, 10)
        await until(lambda: len(first.places) + len(second.places) >= 80, "all frames")
    assert sorted(first.places + second.places) == [(p, n) for p in range(PARTITIONS) for n in range(20)]


# -- several workers, as processes


StartWorker = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_worker(path: Path) -> Iterator[StartWorker]:
    started: list[subprocess.Popen[str]] = []

    def start(*more: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.storage.faust_worker", str(path), *map(str, more)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        with worker:
            pass


def next_place(worker: subprocess.Popen[str]) -> Place:
    assert worker.stdout is not None
    while True:
        line = worker.stdout.readline()
        assert line, "the worker ended"
        if line != "ready\n":
            partition, offset = line.split()
            return int(partition), int(offset)


def test_a_standby_takes_over_from_a_killed_worker_without_loss_or_repetition(
    start_worker: StartWorker, log: SqliteLog, tmp_path: Path
) -> None:
    done = FileCheckpoint(tmp_path / "done")
    expected = fill(log, 100)
    worker = start_worker(done.path)
    next_place(worker)
    for _ in range(3):
        standby = start_worker(done.path)
        assert standby.stdout is not None
        assert standby.stdout.readline() == "ready\n"
        expected |= fill(log, 100)
        assert log.consumers() == 1
        worker.send_signal(signal.SIGKILL)
        worker.communicate(timeout=60)
        next_place(standby)
        worker = standby
    asyncio.run(until(lambda: len(done.places()) >= len(expected), "everything done"))
    assert len(done.places()) == len(expected)
    assert set(done.places()) == expected


def test_without_a_checkpoint_a_killed_worker_s_frames_come_again_but_none_is_lost(
    start_worker: StartWorker, log: SqliteLog
) -> None:
    expected = fill(log, 300)
    first = start_worker()
    got = {next_place(first) for _ in range(50)}
    standby = start_worker()
    first.kill()
    got |= {(int(p), int(o)) for p, o in map(str.split, first.communicate(timeout=60)[0].splitlines()) if p != "ready"}
    while len(got) < len(expected):
        got.add(next_place(standby))
    assert got == expected
