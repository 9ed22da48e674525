"""More evenings than a store has time for: what the processor decides in memory, beside what was counted again."""

import itertools
import os

import pytest

from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from tests.processors.builders import RULES, plain_rows
from tests.truth.compared_views import NOT_RECOUNTED
from tests.truth.evening import EveningFrame, frames_of
from tests.truth.test_recount import APPENDED_AT, PARTITIONS, read
from tests.truth.views_of_facts import room_events
from tests.truth.views_of_stays import Row, counted

SEEDS = range(100, 100 + 5 * int(os.environ.get("ROOMSTATE_TRUTH_EVENINGS", "1")))


def decided(frames: list[EveningFrame]) -> list[Row]:
    """Return the rows that a processor makes of the frames."""
    block = Block()
    held = [Partition(number, 0, 0) for number in range(PARTITIONS)]
    offsets = [itertools.count() for _ in held]
    for frame in frames:
        taken = Taken(frame.partition, next(offsets[frame.partition]), APPENDED_AT, frame.value, lambda: None)
        judge(decode_slice(taken, 0, 1 << 30), held[frame.partition], PARTITIONS, RULES, block)
    rows = plain_rows(rows_of(block, dict.fromkeys(range(PARTITIONS), 1), APPENDED_AT))
    left_out = NOT_RECOUNTED["room_events"]
    return [{name: value for name, value in row.items() if name not in left_out} for row in rows]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fact_is_as_counted_again(seed: int) -> None:
    frames = frames_of(seed, 150, PARTITIONS)
    found, wanted = counted(decided(frames)), counted(room_events(read(frames), 0))
    assert list(found - wanted)[:1] == list(wanted - found)[:1] == []
