"""What judging a status costs, in counts that are the same on every machine: calls, and memory that stays."""

import sys

from benchmarks.pipeline import Traffic
from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from tests.guard.counting import counted_calls
from tests.processors.builders import RULES, T0_MS, a_partition, frame_of

STATUSES = 2_000
CALLS_MAX = 60.0
BLOCKS_MAX = 30.0
"""Of Python's allocator, while the block waits for its insert."""
KEPT_MAX = 0.5
"""After it: the rooms were there before, and a status adds nothing to them."""


def frames(count: int) -> list[Taken]:
    """Return frames of a busy evening's statuses, in a hundred rooms."""
    traffic = Traffic(100)
    return [frame_of([traffic.next_status(T0_MS) for _ in range(STATUSES)], offset) for offset in range(count)]


def judged_rows(frame: Taken, held: Partition) -> Block:
    """Do everything that a processor does between the log and the insert."""
    block = Block()
    judge(decode_slice(frame, 0, STATUSES), held, 1, RULES, block)
    rows_of(block, {0: 7}, T0_MS)
    return block


def test_a_status_takes_few_calls_from_the_log_to_its_row() -> None:
    first, second = frames(2)
    held = a_partition()
    judged_rows(first, held)  # rooms and sessions are there, and what is remembered of them
    with counted_calls() as calls:
        judged_rows(second, held)
    assert calls.count / STATUSES < CALLS_MAX


def test_a_judged_status_takes_few_blocks_of_memory_and_gives_them_back() -> None:
    first, second, third = frames(3)
    held = a_partition()
    judged_rows(first, held)
    judged_rows(second, held)
    before = sys.getallocatedblocks()
    block = judged_rows(third, held)
    assert (sys.getallocatedblocks() - before) / STATUSES < BLOCKS_MAX
    del block
    assert (sys.getallocatedblocks() - before) / STATUSES < KEPT_MAX
