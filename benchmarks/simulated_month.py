"""A store as full as after a month: a month's inputs decided by the real core and inserted as a processor's rows are.

Only the log is left out: inputs are put into frames and judged here, in blocks in the order of time, and each block is
one insert, whose rows have the time of insertion that they would have had. The same seed gives the same month.
"""

import asyncio
import heapq
import sys
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import pyarrow

from benchmarks.month_traffic import DAY_MS, HOUR_MS, inputs_of_a_day, inputs_of_now
from processors.block import Block
from processors.rows import rows_of
from state_machine.decide import decide
from state_machine.evolve import evolve, forget
from state_machine.inputs import Input
from state_machine.numbers import number_openings
from state_machine.room import Room, Rules
from storage.columns import TIME
from storage.frames import partition_of
from storage.ownership import claim, stored_marks
from storage.store import Store

PARTITIONS: Final = 8
DAYS: Final = 30
_BLOCK_INPUTS: Final = 100_000
_FRAME_INPUTS: Final = 20
_INSERTED_AFTER_MS: Final = (4, 60)
_EVENTS_OF_A_CALL: Final = 33.3
"""Rows, its share of the playback sessions and streams included."""


class _Judge:
    """Decides inputs of all partitions as their owner would."""

    def __init__(self, first_offsets: Sequence[int] = (0,) * PARTITIONS) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}
        self._numbers = [0] * PARTITIONS
        self._offsets = list(first_offsets)
        self._rules = Rules()

    def block(self, items: list[Input]) -> Block:
        """Return the block that the inputs make, frame by frame."""
        block = Block()
        by_partition: list[list[Input]] = [[] for _ in range(PARTITIONS)]
        for item in items:
            by_partition[partition_of(item.room_kind, item.room, PARTITIONS)].append(item)
        for partition, waiting in enumerate(by_partition):
            for start in range(0, len(waiting), _FRAME_INPUTS):
                self._frame(block, partition, waiting[start : start + _FRAME_INPUTS])
        return block

    def _frame(self, block: Block, partition: int, items: list[Input]) -> None:
        for index, item in enumerate(items):
            key = (item.room_kind, item.room)
            room = self._rooms.setdefault(key, Room(*key))
            facts = decide(room, item, self._rules)
            self._numbers[partition] = number_openings(facts, partition, self._numbers[partition])
            for fact in facts:
                evolve(room, fact)
                block.facts.append(fact)
                block.items.append(item)
                block.indexes.append(index)
                block.partitions.append(partition)
                block.offsets.append(self._offsets[partition])
                block.frame_inputs.append(len(items))
        self._offsets[partition] += 1

    def sweep(self, now_ms: int) -> None:
        """Forget who was closed long ago, and rooms that nobody is in."""
        for key, room in list(self._rooms.items()):
            forget(room, now_ms, self._rules)
            if not room.sessions and room.publication is None:
                del self._rooms[key]


def _blocks_of_inputs(seed: str, events: int, end_ms: int) -> Iterator[list[Input]]:
    calls = int(events / DAYS / _EVENTS_OF_A_CALL)
    later: list[Input] = []
    block: list[Input] = []
    for day in range(DAYS):
        start_ms = end_ms - (DAYS - day) * DAY_MS
        today = inputs_of_a_day(Random(f"{seed}-{day}"), start_ms, calls, calls // 2, calls)
        merged = heapq.merge(later, today, key=lambda item: item.received_at_ms)
        later = []
        for item in merged:
            if item.received_at_ms >= start_ms + DAY_MS:
                later.append(item)
                continue
            block.append(item)
            if len(block) >= _BLOCK_INPUTS:
                yield block
                block = []
        if block:
            yield block
            block = []


def _rows(judge: _Judge, items: list[Input], epochs: dict[int, int], random: Random) -> pyarrow.Table:
    judged_at_ms = items[-1].received_at_ms + 3
    block = judge.block(items)
    judge.sweep(items[-1].received_at_ms)
    table = rows_of(block, epochs, judged_at_ms)
    # Each input as if it had been judged and stored at once, and not with all of its block.
    received = table["received_at"].cast(pyarrow.int64()).to_pylist()
    inserted = [at_ms + random.randrange(*_INSERTED_AFTER_MS) for at_ms in received]
    return table.append_column("inserted_at", pyarrow.array(inserted, pyarrow.int64()).cast(TIME))


async def fill(store: Store, seed: str, events: int, end_ms: int) -> int:
    """Fill the store with the month before `end_ms`; return the number of rows."""
    epochs = await claim(store, range(PARTITIONS), "benchmark", "benchmark", end_ms - DAYS * DAY_MS)
    judge = _Judge()
    random = Random(seed)
    rows = 0
    began = time.monotonic()
    insert: asyncio.Task[None] | None = None
    for items in _blocks_of_inputs(seed, events, end_ms):
        table = await asyncio.to_thread(_rows, judge, items, epochs, random)
        if insert is not None:
            await insert
        rows += table.num_rows
        insert = asyncio.create_task(store.insert("room_events", table))
        print(f"\r{rows:,} rows, {rows / (time.monotonic() - began):,.0f}/s ", end="", file=sys.stderr, flush=True)
    if insert is not None:
        await insert
    print(file=sys.stderr)
    return rows


async def fill_now(store: Store, seed: str, now_ms: int) -> None:
    """Let some thousands be live for an hour, so that there is something to find for whoever asks about now."""
    epochs = await claim(store, range(PARTITIONS), "benchmark", "benchmark", now_ms)
    marks = await stored_marks(store, range(PARTITIONS))
    judge = _Judge([marks[partition].offset + 1 for partition in range(PARTITIONS)])
    items = inputs_of_now(Random(seed), now_ms - 60_000, HOUR_MS)
    await store.insert("room_events", _rows(judge, items, epochs, Random(seed)))
