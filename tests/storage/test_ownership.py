"""Claims, the fence, marks, and whether log and store belong together."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from storage.columns import LANDING_TABLE
from storage.event_log import Bounds
from storage.ownership import (
    NOTHING,
    LogGap,
    LogOfAnotherStore,
    LogTooShort,
    Mark,
    Owner,
    accept_gap,
    check_log,
    claim,
    next_epoch,
    record_marks,
    stored_marks,
)
from storage.store import StaleEpoch, Store, StoreUnavailable
from tests.storage.rows_builder import LOG_ID, NOON_MS, Story, as_table, put


async def insert_as(store: Store, epochs: dict[int, int], *partitions: int) -> None:
    rows = []
    for partition in partitions:
        story = Story(partition)
        story.open("s", NOON_MS)
        rows += [row | {"epoch": epochs[partition]} for row in story.rows]
    await store.insert(LANDING_TABLE, as_table(rows))


async def count(store: Store) -> int:
    return int((await store.rows("SELECT count() FROM room_events"))[0][0])


async def test_a_claim_lets_its_owner_write_and_nobody_before(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        first = await claim(store, [0, 3], "first", LOG_ID, NOON_MS)
        await insert_as(store, first, 0, 3)
        second = await claim(store, [3], "second", LOG_ID, NOON_MS)
        assert second[3] > first[3]
        with pytest.raises(StaleEpoch) as refused:
            await insert_as(store, first, 3)
        assert refused.value.code == 395
        await insert_as(store, first, 0)
        await insert_as(store, second, 3)
        assert await count(store) == 4


async def test_one_stale_partition_refuses_the_whole_insert(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        mine = await claim(store, [0, 1], "first", LOG_ID, NOON_MS)
        await claim(store, [1], "second", LOG_ID, NOON_MS)
        with pytest.raises(StaleEpoch):
            await insert_as(store, mine, 0, 1)
        assert await count(store) == 0


async def test_an_epoch_that_nobody_claimed_is_refused(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        with pytest.raises(StaleEpoch):
            await insert_as(store, {0: next_epoch(0)}, 0)
        assert await count(store) == 0


async def test_of_simultaneous_claims_exactly_one_can_write(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        claims = await asyncio.gather(*(claim(store, range(4), f"owner {n}", LOG_ID, NOON_MS) for n in range(5)))
        newest = dict(await store.rows("SELECT log_partition, max(epoch) FROM owners GROUP BY log_partition"))
        for partition in range(4):
            writers = []
            for number, epochs in enumerate(claims):
                try:
                    await insert_as(store, epochs, partition)
                except StaleEpoch:
                    continue
                writers.append(number)
            assert len(writers) == 1
            assert claims[writers[0]][partition] == newest[partition]


async def test_a_claim_of_nothing_is_nothing(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        assert await claim(store, [], "nobody", LOG_ID, NOON_MS) == {}


def test_epochs_of_simultaneous_claims_never_tie() -> None:
    epochs = {next_epoch(7 << 32) for _ in range(1000)}
    assert len(epochs) > 990
    assert {epoch >> 32 for epoch in epochs} == {8}


class OlderInsert(Store):
    """A store in which an insert that began before the claim runs until it is told to end."""

    running = True

    async def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        found = await super().rows(sql, parameters)
        return [*found, ("an older insert",)] if "system.processes" in sql and self.running else found


async def test_a_claim_waits_for_an_older_insert(store_database: str) -> None:
    async with await OlderInsert.connect(store_database) as store:
        claiming = asyncio.create_task(claim(store, [0], "patient", LOG_ID, NOON_MS))
        while not await store.rows("SELECT 1 FROM owners"):
            await asyncio.sleep(0.01)
        assert not (await asyncio.wait([claiming], timeout=0.3))[0]
        store.running = False
        assert 0 in await claiming


async def test_a_claim_does_not_wait_for_ever(store_database: str) -> None:
    async with await OlderInsert.connect(store_database) as store:
        with pytest.raises(StoreUnavailable, match="older insert"):
            await claim(store, [0], "impatient", LOG_ID, NOON_MS, settle_s=0.2)


async def test_a_running_insert_is_seen(store_database: str) -> None:
    """The wait rests on system.processes showing inserts into the landing table, whoever carries them there."""
    async with await Store.connect(store_database) as store, await Store.connect(store_database) as other:
        await store.command("CREATE TABLE slow_room_events_landing (n UInt8) ENGINE = Null")
        slow = asyncio.create_task(
            other.command(
                "INSERT INTO slow_room_events_landing SELECT sleepEachRow(0.05) FROM numbers(40) "
                "SETTINGS max_block_size = 1"
            )
        )
        sql = (
            "SELECT 1 FROM system.processes WHERE query_kind = 'Insert' "
            "AND position(query, 'slow_room_events' || '_landing') > 0"
        )
        seen = False
        while not seen and not slow.done():
            seen = bool(await store.rows(sql))
        await slow
        assert seen


async def test_marks_are_the_highest_places(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        assert await stored_marks(store, [0, 5]) == {0: NOTHING, 5: NOTHING}
        story = Story(5, inputs_per_frame=2)
        story.open("a", NOON_MS)
        story.open("b", NOON_MS)
        story.open("c", NOON_MS)
        story.open_implicitly("d", NOON_MS, NOON_MS)
        await put(store, story.rows)
        assert await stored_marks(store, [0, 5]) == {0: NOTHING, 5: Mark(1, 1, 1)}
        assert NOTHING < Mark(0, 0, 0) < Mark(0, 0, 1) < Mark(0, 1, 0) < Mark(1, 0, 0)


async def test_retention_does_not_forget_the_mark_of_an_idle_partition(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        story = Story(2)
        story.open("a", NOON_MS)
        story.open("b", NOON_MS)
        await put(store, story.rows)
        epochs = await claim(store, [2], "me", LOG_ID, NOON_MS)
        await store.command("TRUNCATE TABLE room_events")
        assert await stored_marks(store, [2]) == {2: Mark(1, 0, 0)}
        later = Story(2, first_offset=2)
        later.open("c", NOON_MS)
        await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[2]} for row in later.rows]))
        await record_marks(store, epochs, Owner("me", LOG_ID, NOON_MS))
        await store.command("TRUNCATE TABLE room_events")
        assert await stored_marks(store, [2]) == {2: Mark(2, 0, 0)}
        await insert_as(store, epochs, 2)


async def test_another_log_is_refused_before_anything_is_written(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await claim(store, [0], "me", LOG_ID, NOON_MS)
        with pytest.raises(LogOfAnotherStore, match="another-log"):
            await claim(store, [1], "me", "another-log", NOON_MS)
        with pytest.raises(LogOfAnotherStore, match=LOG_ID):
            await check_log(store, "another-log", {}, {})
        assert await store.rows("SELECT DISTINCT log_id FROM owners") == [(LOG_ID,)]


async def test_a_log_that_fits_has_no_problem(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        marks = {0: NOTHING, 1: Mark(4, 0, 0), 2: Mark(4, 9, 9), 3: NOTHING}
        bounds = {0: Bounds(0, 7), 1: Bounds(5, 5), 2: Bounds(2, 9), 3: Bounds(0, 0)}
        assert await check_log(store, LOG_ID, bounds, marks) == {}


async def test_a_log_that_lost_its_end_or_its_start_is_named_with_offsets(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        marks = {0: Mark(4, 0, 0), 1: Mark(4, 0, 0), 2: NOTHING}
        problems = await check_log(store, LOG_ID, {0: Bounds(0, 4), 1: Bounds(7, 9), 2: Bounds(3, 3)}, marks)
    short, gap, first = problems[0], problems[1], problems[2]
    assert isinstance(short, LogTooShort)
    assert (short.partition, short.log_end, short.mark) == (0, 4, 4)
    assert isinstance(gap, LogGap)
    assert (gap.partition, gap.first_missing, gap.last_missing) == (1, 5, 6)
    assert isinstance(first, LogGap)
    assert (first.first_missing, first.last_missing) == (0, 2)
    assert "partition 1: offsets 5 to 6 " in str(gap)


async def test_an_accepted_gap_counts_as_stored(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await accept_gap(store, LogGap(1, 0, 6), NOON_MS)
        marks = await stored_marks(store, [1])
        assert replace(marks[1], index=0, fact_index=0) == Mark(6, 0, 0)
        assert await check_log(store, LOG_ID, {1: Bounds(7, 9)}, marks) == {}
