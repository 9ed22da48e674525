"""What flushes of a processor cost the store: statements, parts, bytes; counts that no machine changes."""

from benchmarks.pipeline import Traffic
from processors.block import Block
from processors.rows import rows_of
from processors.step import judge
from processors.taken import decode_slice
from storage.columns import LANDING_TABLE
from storage.ownership import claim
from storage.store import Store
from tests.processors.builders import RULES, T0_MS, a_partition, command, frame_of
from tests.processors.pipeline import Pipeline, wait_until

FLUSHES = 5
SELECTS_MAX = 8.0
"""For each flush, the gate's own questions included: who owns its partitions."""
STATUSES = 10_000
ROOMS = 500
EVERY_MS = 40
BYTES_MAX = 50.0
_EVENTS = "SELECT value FROM system.events WHERE event = '{}'"
_PARTS = "SELECT max(max_block_number) FROM system.parts WHERE database = currentDatabase() AND table = 'room_events'"
_SIZE = """
SELECT sum(rows), sum(bytes_on_disk) FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'room_events'"""


def test_a_flush_is_one_insert_and_one_part(pipeline: Pipeline) -> None:
    def store_one(number: int) -> None:
        pipeline.append([command("room_create", f"room {number}", id=f"{number}")])
        # Asked of the log: the store is to be left alone while its statements are counted.
        wait_until(lambda: len(pipeline.decisions()) == number, "the decision")

    pipeline.start_worker()
    store_one(1)
    inserts, selects = (_count(pipeline, name) for name in ("InsertQuery", "SelectQuery"))
    for number in range(2, 2 + FLUSHES):
        store_one(number)
    assert _count(pipeline, "InsertQuery") - inserts == FLUSHES
    assert (_count(pipeline, "SelectQuery") - selects) / FLUSHES < SELECTS_MAX
    assert pipeline.query(_PARTS) == [(FLUSHES + 1,)]


async def test_an_evening_takes_few_bytes_for_each_fact(store_database: str) -> None:
    traffic, held = Traffic(ROOMS), a_partition()
    async with await Store.connect(store_database) as store:
        epochs = await claim(store, [0], "the guard", "the guard's log", T0_MS)
        for offset in range(2):
            begin_ms = T0_MS + offset * STATUSES * EVERY_MS
            items = [traffic.next_status(begin_ms + number * EVERY_MS) for number in range(STATUSES)]
            block = Block()
            judge(decode_slice(frame_of(items, offset), 0, STATUSES), held, 1, RULES, block)
            await store.insert(LANDING_TABLE, rows_of(block, epochs, begin_ms))
        await store.command("OPTIMIZE TABLE room_events FINAL")
        rows, disk_bytes = (await store.rows(_SIZE))[0]
    assert rows > 2 * STATUSES
    assert disk_bytes / rows < BYTES_MAX


def _count(pipeline: Pipeline, event: str) -> int:
    return int(pipeline.query(_EVENTS.format(event))[0][0])
