"""What a worker does once in a while: the log keeps what the store does not have, and what is young."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from processors.housekeeping import Housekeeping
from processors.rows import rows_of
from storage.clock import now_ms
from storage.columns import LANDING_TABLE
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, Frame
from storage.frames import encode_input
from storage.kafka_log import KafkaLog
from storage.ownership import claim, stored_marks
from storage.sqlite_log import TRIM_AFTER_MS, SqliteLog
from storage.store import Store
from tests.processors.builders import a_partition, judged, status

LATER = TRIM_AFTER_MS + 1000


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    made = SqliteLog(tmp_path / "log.db", 1)
    yield made
    made.close()


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    async with await Store.connect(store_database) as connected:
        yield connected


async def store_frames(log: SqliteLog, store: Store, frames: int, stored: int) -> Housekeeping:
    """Append frames, store the first of them, and return the housekeeping of their owner."""
    line = encode_input(status())
    log.append([Frame(INPUTS_TOPIC, 0, line, 1)] * frames + [Frame(DECISIONS_TOPIC, 0, b"{}", 1)] * 3, 5.0)
    epochs = await claim(store, [0], "test", log.log_id, now_ms())
    held = a_partition()
    held.epoch = epochs[0]
    for offset in range(stored):
        table = rows_of(judged(status(), held=held, offset=offset), epochs, now_ms() + offset)
        await store.insert(LANDING_TABLE, table)
    return Housekeeping({0: held}, log, store, "test")


async def test_old_frames_leave_the_log_once_they_are_stored(log: SqliteLog, store: Store) -> None:
    housekeeping = await store_frames(log, store, frames=10, stored=4)
    assert await housekeeping.trim(now_ms() + LATER) == 3 + 3
    assert log.bounds(INPUTS_TOPIC)[0] == (3, 10)
    assert log.bounds(DECISIONS_TOPIC)[0] == (3, 3)


async def test_young_frames_stay(log: SqliteLog, store: Store) -> None:
    housekeeping = await store_frames(log, store, frames=10, stored=4)
    assert await housekeeping.trim(now_ms() + TRIM_AFTER_MS - 60_000) == 0
    assert log.bounds(INPUTS_TOPIC)[0] == (0, 10)


async def test_marks_outlive_the_rows_that_they_came_from(log: SqliteLog, store: Store) -> None:
    housekeeping = await store_frames(log, store, frames=3, stored=2)
    await housekeeping.keep_marks(now_ms())
    await store.command("TRUNCATE TABLE room_events")
    assert (await stored_marks(store, [0]))[0].offset == 1


async def test_a_log_that_forgets_by_itself_is_left_alone(store: Store, kafka_url: str) -> None:
    log = KafkaLog(kafka_url, 1)
    log.append([Frame(INPUTS_TOPIC, 0, b"{}", 1), Frame(DECISIONS_TOPIC, 0, b"{}", 1)], 5.0)
    assert await Housekeeping({0: a_partition()}, log, store, "test").trim(now_ms() + LATER) == 0
    assert log.bounds(DECISIONS_TOPIC)[0] == (0, 1)
    log.close()
