"""The schema under kill -9: every insert is there whole or not at all, and no aggregate differs from its rows."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.columns import LANDING_TABLE
from storage.migrate import migrate
from storage.ownership import claim, stored_marks
from storage.store import Store, StoreUnavailable
from tests.fixtures_store import EmbeddedStore, free_port
from tests.storage.rows_builder import LOG_ID, NOON_MS, Story, as_table

KILLS = 4
INPUTS_PER_INSERT = 40
AGGREGATES = (
    "SELECT * FROM accounting ORDER BY log_partition",
    "SELECT * FROM ledger ORDER BY log_partition, judged_at, epoch",
    "SELECT * FROM sessions ORDER BY session_id, opened_at",
    "SELECT toStartOfMinute(at) AS minute, fact, count() FROM room_events GROUP BY minute, fact ORDER BY ALL",
)


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of this test alone, because it is killed."""
    store = EmbeddedStore(tmp_path / "store", free_port())
    store.start()
    yield store
    store.stop()


async def insert_until_it_dies(store: Store, epochs: dict[int, int], story: Story) -> int:
    """Insert block after block; return how many were acknowledged before the store died."""
    acknowledged = 0
    while True:
        start = len(story.facts)
        story.judged_at_ms += 1
        for number in range(INPUTS_PER_INSERT // 2):
            story.open(f"s{story.judged_at_ms}-{number}", NOON_MS).close(NOON_MS + 5)
        rows = [row | {"epoch": epochs[story.partition]} for row in story.rows[start:]]
        try:
            await store.insert(LANDING_TABLE, as_table(rows))
        except StoreUnavailable:
            return acknowledged
        acknowledged += 1


async def test_a_killed_store_keeps_what_it_acknowledged_and_no_part_of_an_insert(own_store: EmbeddedStore) -> None:
    url = own_store.url("killed")
    await migrate(url)
    for kill in range(KILLS):
        story = Story(partition=kill)
        async with await Store.connect(url) as store:
            epochs = await claim(store, [kill], f"writer {kill}", LOG_ID, NOON_MS)
            inserting = asyncio.create_task(insert_until_it_dies(store, epochs, story))
            while (await stored_marks(store, [kill]))[kill].offset < INPUTS_PER_INSERT * 3:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(own_store.kill)
            acknowledged = await inserting
        await asyncio.to_thread(own_store.start)
        async with await Store.connect(url) as store:
            await check(store, kill, acknowledged)


async def check(store: Store, partition: int, acknowledged: int) -> None:
    sql = "SELECT accepted, stored, last_offset + 1 FROM accounting WHERE log_partition = {partition:UInt16}"
    ((accepted, stored, offsets),) = await store.rows(sql, {"partition": partition})
    assert accepted == stored == offsets
    assert stored in {acknowledged * INPUTS_PER_INSERT, (acknowledged + 1) * INPUTS_PER_INSERT}
    for aggregate in AGGREGATES:
        by_projection = await store.rows(aggregate)
        assert by_projection == await store.rows(f"{aggregate} SETTINGS optimize_use_projections = 0")
