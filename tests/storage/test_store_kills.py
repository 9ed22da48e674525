"""The store under kill -9, again and again: no block in part, nothing doubled or lost, no aggregate beside its rows.

Several writers insert side by side into several partitions while parts are merged; the kill comes at any moment, also
while the store starts. ROOMSTATE_TEST_KILLS=100 makes it a long attack.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from roomstate.ports import free_port
from storage.migrate import migrate
from storage.store import Store, StoreRefused, StoreUnavailable
from tests.fixtures_store import EmbeddedStore
from tests.storage.killed_writer import KilledWriter

KILLS = int(os.environ.get("ROOMSTATE_TEST_KILLS", "6"))
WRITERS = 3
PARTITIONS_EACH = 2
MOMENT_S = 0.1
START_S = 1.5

BY_PROJECTION = {
    "accounts": "SELECT * FROM accounting ORDER BY log_partition",
    "ledger": "SELECT * FROM ledger ORDER BY log_partition, judged_at, epoch",
    "stays": "SELECT * FROM sessions ORDER BY room_id, session_id, opened_at",
    "minutes": "SELECT toStartOfMinute(at) AS minute, room_kind, kind, fact, verdict, reason, state, count() "
    "FROM room_events GROUP BY ALL ORDER BY ALL",
    "marks": "SELECT log_partition, max((log_offset, log_index, fact_index)) FROM room_events "
    "GROUP BY log_partition ORDER BY log_partition",
}
ROWS_SQL = """
SELECT log_partition, count(), uniqExact(log_offset), min(log_offset), max(log_offset), sum(frame_inputs)
FROM room_events GROUP BY log_partition ORDER BY log_partition SETTINGS optimize_use_projections = 0
"""


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """A store of this test alone, because it is killed."""
    store = EmbeddedStore(tmp_path / "store", free_port())
    store.start()
    yield store
    store.stop()


async def merge_until_it_dies(store: Store) -> None:
    while True:
        with contextlib.suppress(StoreRefused):
            await store.command("OPTIMIZE TABLE room_events")


async def live_and_die(store: EmbeddedStore, url: str, writers: list[KilledWriter], chance: random.Random) -> None:
    """Let everybody work on the store for so many blocks and a moment more, then kill it."""
    blocks = acknowledged(writers) + chance.choice([0, 1, 2, 5, 10])
    async with await Store.connect(url) as connected, await Store.connect(url) as merging, asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(until_unavailable(writer.write_until_it_dies(connected)))
        group.create_task(until_unavailable(merge_until_it_dies(merging)))
        while acknowledged(writers) < blocks:
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0, MOMENT_S))
        await asyncio.to_thread(store.kill)


def acknowledged(writers: list[KilledWriter]) -> int:
    return sum(writer.acknowledged for writer in writers)


async def until_unavailable(work: Awaitable[None]) -> None:
    with contextlib.suppress(StoreUnavailable):
        await work


async def check(store: Store, writers: list[KilledWriter], *, are_merged: bool = False) -> None:
    """Hold the store against the writers, and every aggregate against its rows; what is merged has projections."""
    for writer in writers:
        await writer.settle(store)
    expected = sorted((partition, count) for writer in writers for partition, count in writer.stored.items())
    assert await store.rows(ROWS_SQL) == [(number, rows, rows, 0, rows - 1, rows) for number, rows in expected]
    for name, sql in BY_PROJECTION.items():
        by_projection = await store.rows(f"{sql} SETTINGS force_optimize_projection = {int(are_merged)}")
        assert by_projection == await store.rows(f"{sql} SETTINGS optimize_use_projections = 0"), name
    accounts = "SELECT log_partition, frames, accepted, stored FROM accounting ORDER BY log_partition"
    assert await store.rows(accounts) == [(number, rows, rows, rows) for number, rows in expected]
    ledger = "SELECT log_partition, sum(facts), sum(inputs) FROM ledger GROUP BY log_partition ORDER BY log_partition"
    assert await store.rows(ledger) == [(number, rows, rows) for number, rows in expected]


@pytest.mark.timeout(60 + 15 * KILLS)
async def test_a_store_that_is_killed_again_and_again_keeps_every_block_whole(own_store: EmbeddedStore) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")  # pytest shows it if this fails
    chance = random.Random(seed)
    url = own_store.url("killed")
    await migrate(url)
    numbers = range(0, WRITERS * PARTITIONS_EACH, PARTITIONS_EACH)
    writers = [KilledWriter(f"w{n}", tuple(range(n, n + PARTITIONS_EACH)), chance) for n in numbers]
    for _ in range(KILLS):
        await live_and_die(own_store, url, writers, chance)
        if chance.random() < 0.2:
            # Once more, while it loads its parts and begins to merge.
            starting = asyncio.create_task(asyncio.to_thread(own_store.start))
            await asyncio.sleep(chance.uniform(0, START_S))
            own_store.kill()
            with contextlib.suppress(AssertionError):
                await starting
            own_store.kill()
        await asyncio.to_thread(own_store.start)
        async with await Store.connect(url) as store:
            await check(store, writers)
    async with await Store.connect(url) as store:
        await store.command("OPTIMIZE TABLE room_events FINAL")
        await check(store, writers, are_merged=True)
        assert await store.rows("CHECK TABLE room_events SETTINGS check_query_single_value_result = 1") == [(1,)]
    outcomes = {was_stored: sum(writer.outcomes[was_stored] for writer in writers) for was_stored in (False, True)}
    print(f"{KILLS} kills, {acknowledged(writers)} acknowledged blocks, uncertain: {outcomes}")
    assert acknowledged(writers) > KILLS
