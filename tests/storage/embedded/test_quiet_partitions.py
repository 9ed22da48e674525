"""A day that is over becomes one part, with every projection, on disk; whatever its parts were like before."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from roomstate.ports import free_port
from storage.migrate import migrate
from storage.store import Store
from tests.storage.embedded.impatient_store import ImpatientStore
from tests.storage.embedded.test_syncing import files_of_parts, is_on_disk
from tests.storage.rows_builder import NOON_MS
from tests.storage.stays_of_days import put_stay, wait_for_rows

_YESTERDAY_MS = NOON_MS - 86_400_000
_PARTS = """
SELECT count(), sum(rows)
FROM system.parts WHERE active AND database = currentDatabase() AND table = 'room_events'"""
_PROJECTIONS = """
SELECT (SELECT count() FROM system.projections WHERE database = currentDatabase() AND table = 'room_events'),
    (SELECT count() FROM system.projection_parts
        WHERE active AND database = currentDatabase() AND table = 'room_events')"""
_NO_PACKING = "SYSTEM STOP TTL MERGES room_events"
"""The days of these tests are over: the engine would pack a new part, and give it projections, whenever it likes."""
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


async def test_a_day_becomes_one_part_with_all_projections_on_disk(impatient_store: ImpatientStore) -> None:
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        await store.command(_NO_PACKING)
        ((before,),) = await store.rows(_MUTATIONS)
        await store.command("SYSTEM STOP MERGES room_events")  # of two of them before the third is there
        for number in range(3):
            await put_stay(store, f"s{number}", _YESTERDAY_MS, 2 * number)
        await store.command("SYSTEM START MERGES room_events")
        await wait_for_rows(store, _PARTS, [(1, 6)])
        assert await store.rows(_MUTATIONS) == [(before,)]  # parts without projections get them by being merged
        # A merged part has projections and a new one has none: the engine alone never merges the two.
        await put_stay(store, "late", _YESTERDAY_MS, 6)
        await wait_for_rows(store, _PARTS, [(1, 8)])
        assert await store.rows(_MUTATIONS) > [(before,)]
        ((wanted, made),) = await store.rows(_PROJECTIONS)
        assert 0 < wanted == made
        assert [path.name for path in await files_of_parts(store, "room_events") if not is_on_disk(path)] == []
        assert len(await store.rows("SELECT * FROM sessions WHERE closed_at IS NOT NULL")) == 4


async def test_the_engine_alone_leaves_a_new_part_beside_a_merged_one(store_database: str) -> None:
    """If this fails, what quiet_partitions does first can go."""
    async with await Store.connect(store_database) as store:
        await store.command(_NO_PACKING)
        for number in range(2):
            await put_stay(store, f"s{number}", _YESTERDAY_MS, 2 * number)
        await store.command("OPTIMIZE TABLE room_events FINAL")
        await put_stay(store, "late", _YESTERDAY_MS, 4)
        with pytest.raises(Exception, match="different projection sets"):
            await store.command("OPTIMIZE TABLE room_events FINAL SETTINGS optimize_throw_if_noop = 1")


async def test_it_stops_at_once_with_work_before_it(impatient_store: ImpatientStore) -> None:
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        for number in range(3):
            await put_stay(store, f"s{number}", _YESTERDAY_MS, 2 * number)
    assert await asyncio.to_thread(impatient_store.stop) == 0
    impatient_store.start()
    async with await Store.connect(impatient_store.url("roomstate")) as store:
        await wait_for_rows(store, _PARTS, [(1, 6)])
