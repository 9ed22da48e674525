"""A real Faust app and agent on the SQLite log: delivery, commits, flow control, sending."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faust.exceptions import ImproperlyConfigured, ProducerSendError
from faust.types import TP

from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, PROCESSOR_GROUP, Frame, LogMismatch
from storage.faust_handing import RUN_FRAMES_MAX
from storage.sqlite_log import SqliteLog
from tests.storage.event_log_contract import append, read_all, values_of
from tests.storage.faust_worker import PARTITIONS, WAIT_S, Seen, make_app, running, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    opened = SqliteLog(path, PARTITIONS)
    yield opened
    opened.close()


def fill(log: SqliteLog, count: int) -> list[tuple[int, int]]:
    """Append `count` frames to each partition; return all places, in the order of appending."""
    places = []
    for number in range(count):
        frames = [Frame(INPUTS_TOPIC, p, f"{p}-{number}".encode(), 1) for p in range(PARTITIONS)]
        places += list(enumerate(log.append(frames, 20.0)))
    return places


async def test_every_frame_reaches_the_agent_once_and_in_the_order_of_its_partition(path: Path, log: SqliteLog) -> None:
    early = fill(log, 200)
    seen = Seen()
    async with running(make_app(path, seen)):
        await until(lambda: len(seen.places) == len(early), "all early frames")
        late = fill(log, 200)
        await until(lambda: len(seen.places) >= len(early) + len(late), "all late frames")
    assert sorted(seen.places) == sorted(early + late)
    for partition in range(PARTITIONS):
        offsets = [offset for place, offset in seen.places if place == partition]
        assert offsets == list(range(400))
    assert dict(zip(seen.places, seen.values, strict=True))[2, 7] == b"2-7"


async def test_a_restarted_app_continues_at_the_committed_offsets(path: Path, log: SqliteLog) -> None:
    first = fill(log, 50)
    seen = Seen()
    async with running(make_app(path, seen)):
        await until(lambda: len(seen.places) == len(first), "all frames")
        await until(lambda: log.committed(PROCESSOR_GROUP, INPUTS_TOPIC) == dict.fromkeys(range(4), 50), "commits")
    again = Seen()
    second = fill(log, 10)
    async with running(make_app(path, again)):
        await until(lambda: len(again.places) >= len(second), "the new frames")
    assert sorted(again.places) == sorted(second)


async def test_frames_that_were_not_acknowledged_come_again_after_a_restart(path: Path, log: SqliteLog) -> None:
    places = fill(log, 20)
    seen = Seen()

    async def see_and_hang(events: list[Any]) -> None:
        await seen(events)
        await asyncio.Event().wait()

    async with running(make_app(path, see_and_hang)):
        await until(lambda: len(seen.places) > 0, "some frames")
    again = Seen()
    async with running(make_app(path, again)):
        await until(lambda: len(again.places) >= len(places), "all frames")
    assert sorted(again.places) == sorted(places)


async def test_what_was_trimmed_away_is_passed_over(path: Path, log: SqliteLog) -> None:
    fill(log, 30)
    log.trim(INPUTS_TOPIC, {0: 10, 1: 30}, 1 << 50)
    seen = Seen()
    async with running(make_app(path, seen)):
        await until(lambda: len(seen.places) >= 80, "what is left")
    assert sorted(seen.places) == [(0, n) for n in range(10, 30)] + [(p, n) for p in (2, 3) for n in range(30)]


async def test_the_consumer_knows_its_assignment_positions_and_ends(path: Path, log: SqliteLog) -> None:
    fill(log, 5)
    seen = Seen()
    async with running(make_app(path, seen)) as app:
        await until(lambda: len(seen.places) == 20, "all frames")
        consumer = app.consumer
        places = {TP(INPUTS_TOPIC, partition) for partition in range(PARTITIONS)}
        assert consumer.assignment() == places
        assert await consumer.highwaters(*places) == dict.fromkeys(places, 5)
        assert await consumer.earliest_offsets(*places) == dict.fromkeys(places, 0)
        assert {place: await consumer.position(place) for place in places} == dict.fromkeys(places, 5)
        assert {consumer.highwater(place) for place in places} == {5}
        assert consumer.topic_partitions(INPUTS_TOPIC) == PARTITIONS
        assert consumer.topic_partitions("another") is None


async def test_seeking_back_delivers_again_from_there(path: Path, log: SqliteLog) -> None:
    fill(log, 30)
    seen = Seen()
    async with running(make_app(path, seen)) as app:
        await until(lambda: len(seen.places) == 120, "all frames")
        await app.consumer.seek(TP(INPUTS_TOPIC, 1), 25)
        await until(lambda: len(seen.places) >= 125, "the last five again")
    assert seen.places[120:] == [(1, offset) for offset in range(25, 30)]


async def test_a_paused_partition_waits_and_loses_nothing(path: Path, log: SqliteLog) -> None:
    seen = Seen()
    async with running(make_app(path, seen)) as app:
        append(log, "first", partition=0)
        await until(lambda: len(seen.places) == 1, "the first frame")
        app.consumer.pause_partitions({TP(INPUTS_TOPIC, 0)})
        fill(log, 20)
        await until(lambda: len(seen.places) == 61, "the other partitions")
        app.consumer.resume_partitions({TP(INPUTS_TOPIC, 0)})
        await until(lambda: len(seen.places) >= 81, "the paused one")
    assert [offset for partition, offset in seen.places if partition == 0] == list(range(21))


async def test_an_agent_that_does_not_finish_is_not_flooded(path: Path, log: SqliteLog) -> None:
    fill(log, 500)
    seen = Seen()
    may_finish = asyncio.Event()

    async def see_and_wait(events: list[Any]) -> None:
        await seen(events)
        await may_finish.wait()

    app = make_app(path, see_and_wait, stream_buffer_maxsize=200)

    async def handed_out() -> int:
        places = app.consumer.assignment()
        return sum([await app.consumer.position(place) or 0 for place in places])

    async with running(app):
        await until(lambda: len(seen.places) > 0, "some frames")
        give_up_at = time.monotonic() + WAIT_S
        while await handed_out() < 100 and time.monotonic() < give_up_at:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert 100 <= await handed_out() < 100 + RUN_FRAMES_MAX, "half of Faust's buffer and the run that fills it"
        may_finish.set()
        await until(lambda: len(seen.places) >= 2000, "all frames")
    assert len(set(seen.places)) == len(seen.places) == 2000


async def test_what_the_app_sends_is_durable_and_says_where_it_is(path: Path, log: SqliteLog) -> None:
    async with running(make_app(path, Seen())) as app:
        topic = app.topic(DECISIONS_TOPIC, value_type=bytes, value_serializer="raw")
        sent = [await topic.send(value=f"{n}\n{n}".encode(), partition=2) for n in range(300)]
        places = [await future for future in sent]
        waited = await topic.send(value=b"last", partition=2)
        await waited
    assert [place.offset for place in places] == list(range(300))
    records = read_all(log, 2, DECISIONS_TOPIC)
    assert values_of(records) == [f"{n}\n{n}" for n in range(300)] + ["last"]
    assert [record.lines for record in records] == [2] * 300 + [1]


async def test_what_the_log_does_not_take_is_an_error_to_the_sender(
    path: Path, log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.faust_sqlite_producer.APPEND_TIMEOUT_S", 0.3)
    async with running(make_app(path, Seen())) as app:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            sent = await app.producer.send(DECISIONS_TOPIC, None, b"x", 0, None, None)
            with pytest.raises(ProducerSendError, match=r"locked|kept the log busy"):
                await sent
            foreign.execute("COMMIT")
        place = await app.producer.send_and_wait(DECISIONS_TOPIC, None, b"y", 0, None, None)
        for topic, partition in (("another", 0), (DECISIONS_TOPIC, PARTITIONS)):
            with pytest.raises(ProducerSendError, match="no topic"):
                await app.producer.send_and_wait(topic, None, b"y", partition, None, None)
    assert place.offset == 0


async def test_an_app_with_another_number_of_partitions_does_not_start(path: Path, log: SqliteLog) -> None:
    app = make_app(path, Seen())
    app.conf.topic_partitions = 7
    with pytest.raises(LogMismatch, match="4 partitions"):
        async with running(app):
            pass


async def test_a_topic_that_the_log_does_not_have_is_said_so(path: Path, log: SqliteLog) -> None:
    app = make_app(path, Seen())
    async with running(app):
        with pytest.raises(ImproperlyConfigured, match="topic_disable_leader"):
            await app.consumer.subscribe({INPUTS_TOPIC, "another"})
