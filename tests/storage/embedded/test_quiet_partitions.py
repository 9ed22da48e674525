"""A day that is over becomes one part, with every projection, on disk; whatever its parts were like before."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomstate.ports import free_port
from storage.migrate import migrate
from storage.store import Store
from tests.storage.embedded.impatient_store import ImpatientStore
from tests.storage.embedded.test_syncing import files_of_parts, is_on_disk
from tests.storage.rows_builder import NOON_MS, Story, put

_DAY_MS = 86_400_000
_PATIENCE_S = 60.0
_PARTS = """
SELECT count(), sum(rows), min(level)
FROM system.parts WHERE active AND database = currentDatabase() AND table = 'room_events'"""
_PROJECTIONS = """
SELECT (SELECT count() FROM system.projections WHERE database = currentDatabase() AND table = 'room_events'),
    (SELECT count() FROM system.projection_parts
        WHERE active AND database = currentDatabase() AND table = 'room_events')"""
_MUTATIONS = """
SELECT uniqExact(mutation_id)
FROM system.mutations WHERE database = currentDatabase() AND table = 'room_events'"""


@pytest.fixture
def impatient_store(tmp_path: Path) -> Iterator[ImpatientStore]:
    store = ImpatientStore(tmp_path / "impatient", free_port())
    store.start()
    asyncio.run(migrate(store.url("roomstate")))
    yield store
    store.stop()


async def _put_stay(store: Store, session: str, offset: int) -> None:
    story = Story(judged_at_ms=NOON_MS - _DAY_MS, first_offset=offset)
    story.open(session, NOON_MS - _DAY_MS + offset).close(NOON_MS - _DAY_MS + offset + 1)
    await put(store, story.rows)


async def _wait_for_one_part(store: Store, rows: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while (found := (await store.rows(_PARTS))[0])[:2] != (1, rows):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.2)


async def test_a_day_becomes_one_part_with_all_projections_on_disk(impatient_store: ImpatientStore) -> None:
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        ((before,),) = await store.rows(_MUTATIONS)
        await store.command("SYSTEM STOP MERGES room_events")  # of two of them before the third is there
        for number in range(3):
            await _put_stay(store, f"s{number}", 2 * number)
        await store.command("SYSTEM START MERGES room_events")
        await _wait_for_one_part(store, 6)
        assert await store.rows(_MUTATIONS) == [(before,)]  # parts without projections get them by being merged
        # A merged part has projections and a new one has none: the engine alone never merges the two.
        await _put_stay(store, "late", 6)
        await _wait_for_one_part(store, 8)
        assert await store.rows(_MUTATIONS) > [(before,)]
        ((wanted, made),) = await store.rows(_PROJECTIONS)
        assert 0 < wanted == made
        assert [path.name for path in await files_of_parts(store, "room_events") if not is_on_disk(path)] == []
        assert len(await store.rows("SELECT * FROM sessions WHERE closed_at IS NOT NULL")) == 4


async def test_the_engine_alone_leaves_a_new_part_beside_a_merged_one(store_database: str) -> None:
    """If this fails, what quiet_partitions does first can go."""
    async with await Store.connect(store_database) as store:
        for number in range(2):
            await _put_stay(store, f"s{number}", 2 * number)
        await store.command("OPTIMIZE TABLE room_events FINAL")
        await _put_stay(store, "late", 4)
        with pytest.raises(Exception, match="different projection sets"):
            await store.command("OPTIMIZE TABLE room_events FINAL SETTINGS optimize_throw_if_noop = 1")


async def test_it_stops_at_once_with_work_before_it(impatient_store: ImpatientStore) -> None:
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        for number in range(3):
            await _put_stay(store, f"s{number}", 2 * number)
    assert await asyncio.to_thread(impatient_store.stop) == 0
    impatient_store.start()
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        await _wait_for_one_part(store, 6)
