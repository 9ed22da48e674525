"""What a flush of a processor costs the store, in statements and parts; counts that no machine changes."""

from tests.processors.builders import command
from tests.processors.pipeline import Pipeline, wait_until

FLUSHES = 5
SELECTS_MAX = 8.0
"""For each flush, the gate's own questions included: who owns its partitions."""
SMALL_FLUSHES = 40
PARTS_A_MERGE = 10
"""At least, where parts are small and many; each merge makes all projections anew (migration 0013)."""
_EVENTS = "SELECT value FROM system.events WHERE event = '{}'"
_PARTS = "SELECT max(max_block_number) FROM system.parts WHERE database = currentDatabase() AND table = 'room_events'"


def test_a_flush_is_one_insert_and_one_part(pipeline: Pipeline) -> None:
    pipeline.start_worker()
    _store_one(pipeline, 1)
    inserts, selects = (_count(pipeline, name) for name in ("InsertQuery", "SelectQuery"))
    for number in range(2, 2 + FLUSHES):
        _store_one(pipeline, number)
    assert _count(pipeline, "InsertQuery") - inserts == FLUSHES
    assert (_count(pipeline, "SelectQuery") - selects) / FLUSHES < SELECTS_MAX
    assert pipeline.query(_PARTS) == [(FLUSHES + 1,)]


def test_small_parts_are_merged_many_at_a_time(pipeline: Pipeline) -> None:
    pipeline.start_worker()
    merges = _count(pipeline, "Merge")
    for number in range(1, SMALL_FLUSHES + 1):
        _store_one(pipeline, number)
    assert 0 < _count(pipeline, "Merge") - merges <= SMALL_FLUSHES / PARTS_A_MERGE


def _store_one(pipeline: Pipeline, number: int) -> None:
    pipeline.append([command("room_create", f"room {number}", id=f"{number}")])
    # Asked of the log: the store is to be left alone while its statements are counted.
    wait_until(lambda: len(pipeline.decisions()) == number, "the decision")


def _count(pipeline: Pipeline, event: str) -> int:
    return int(pipeline.query(_EVENTS.format(event))[0][0])
