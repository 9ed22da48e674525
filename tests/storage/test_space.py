"""What the rows of an insert take on disk, in numbers that do not depend on the machine."""

from storage.store import Store
from tests.docs.stored_evening import store_evening

BYTES_OF_A_FACT = 34
"""Of an evening of 665 facts that was just inserted: they take 28, and 20 in projections."""
BYTES_OF_ITS_PROJECTIONS = 25
BYTES_OF_A_PACKED_FACT = 30
"""Of the same evening when its day is over: it takes 25."""

PARTS = """
SELECT count(), sum(rows), sum(data_compressed_bytes)
FROM system.parts WHERE active AND database = currentDatabase() AND table = 'room_events'"""
PROJECTIONS = """
SELECT sum(data_compressed_bytes)
FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 'room_events'"""


async def test_an_insert_is_one_part_in_which_a_fact_takes_few_bytes(store_database: str) -> None:
    await store_evening(store_database)
    async with await Store.connect(store_database) as store:
        ((parts, rows, row_bytes),) = await store.rows(PARTS)
        await store.command("OPTIMIZE TABLE room_events FINAL")  # projections come when parts are merged
        ((projection_bytes,),) = await store.rows(PROJECTIONS)
    assert parts == 1
    assert projection_bytes > 0
    assert row_bytes / rows < BYTES_OF_A_FACT
    assert projection_bytes / rows < BYTES_OF_ITS_PROJECTIONS


async def test_a_fact_of_a_day_that_is_over_takes_fewer_bytes(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await store.command("SYSTEM STOP MERGES room_events")  # the evening is long over: it would be packed at once
        await store_evening(store_database)
        ((_, rows, new_bytes),) = await store.rows(PARTS)
        await store.command("SYSTEM START MERGES room_events")
        await store.command("OPTIMIZE TABLE room_events FINAL")
        ((_, _, packed_bytes),) = await store.rows(PARTS)
    assert packed_bytes < new_bytes
    assert packed_bytes / rows < BYTES_OF_A_PACKED_FACT
