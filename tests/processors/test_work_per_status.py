"""How much work a status of a live session is, in counts that are the same on every machine.

The bounds are a third above what it takes: a regression that matters is a new call or object for each status.
"""

import gc
import sys
import tracemalloc
from collections import Counter
from types import FrameType
from typing import Any

from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from state_machine.inputs import Input
from tests.processors.builders import RULES, T0_MS, a_partition, frame_of, status

SESSIONS = 2_000
EVENTS = (("Session.connectionCreated", "waiting", 1), ("Session.connectionDestroyed", "init", 0))

PYTHON_CALLS_MAX = 15
BUILTIN_CALLS_MAX = 15
BLOCKS_KEPT_MAX = 11
BYTES_KEPT_MAX = 900


def statuses(turn: int) -> list[Input]:
    """Return the next status of each session, two to a room."""
    event, state, connections = EVENTS[turn % 2]
    return [
        status(
            f"room-{number // 2:07d}",
            f"session-{number:07d}",
            received_at_ms=T0_MS + turn,
            event=event,
            state=state,
            connections=connections,
            user=f"user-{number:07d}",
        )
        for number in range(SESSIONS)
    ]


def put_through(frame: Taken, held: Partition) -> None:
    """Do with the frame what a worker does until its rows are ready for the store."""
    block = Block()
    judge(decode_slice(frame, 0, SESSIONS), held, 1, RULES, block)
    assert rows_of(block, {0: 7}, T0_MS).num_rows >= SESSIONS


def test_a_status_takes_few_calls() -> None:
    held = a_partition()
    for turn in range(2):
        put_through(frame_of(statuses(turn), turn), held)
    frame = frame_of(statuses(2), 2)
    calls: Counter[str] = Counter()

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        calls[event] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        put_through(frame, held)
    finally:
        sys.setprofile(before)
    assert 1 < calls["call"] / SESSIONS < PYTHON_CALLS_MAX
    assert 1 < calls["c_call"] / SESSIONS < BUILTIN_CALLS_MAX


def test_a_live_session_keeps_few_objects_and_bytes() -> None:
    put_through(frame_of(statuses(0)), a_partition())  # what is remembered of judgements is there by then
    held, frame = a_partition(), frame_of(statuses(0))
    tracemalloc.start()
    try:
        gc.collect()
        before = sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]
        put_through(frame, held)
        gc.collect()
        after = sys.getallocatedblocks(), tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 1 < (after[0] - before[0]) / SESSIONS < BLOCKS_KEPT_MAX
    assert 100 < (after[1] - before[1]) / SESSIONS < BYTES_KEPT_MAX
