"""The evening decided by the real core and stored: rows that are the same in every store."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pyarrow

from processors.block import Block
from processors.rows import rows_of
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.inputs import Input
from state_machine.numbers import number_openings
from state_machine.room import Room, Rules
from storage.columns import LANDING_TABLE
from storage.frames import partition_of
from storage.ownership import claim
from storage.store import Store
from tests.docs.evening import BEGINS_MS, EVENING_S, evening

PARTITIONS: Final = 4
_RULES: Final = Rules()
_LOG_ID: Final = "the evening's log"
_FOUND_LATER_MS: Final = 700
"""So much after a lease's end a processor asks for its expiry."""
JUDGED_AT_MS: Final = BEGINS_MS + 2 * EVENING_S * 1000


async def store_evening(url: str) -> None:
    """Store the evening in a migrated, empty database."""
    async with await Store.connect(url) as store:
        epochs = await claim(store, range(PARTITIONS), "the evening", _LOG_ID, BEGINS_MS)
        await store.insert(LANDING_TABLE, evening_rows(epochs))


def evening_rows(epochs: Mapping[int, int]) -> pyarrow.Table:
    """Return the rows of the evening, one input a frame."""
    rooms: dict[tuple[str, str], Room] = {}
    places: Counter[int] = Counter()
    numbers: Counter[int] = Counter()
    block = Block()
    waiting = evening()[::-1]
    while waiting or any(_next_end(room) for room in rooms.values()):
        item = _next(waiting, rooms)
        room = rooms.setdefault((item.room_kind, item.room), Room(item.room_kind, item.room))
        partition = partition_of(item.room_kind, item.room, PARTITIONS)
        facts = decide(room, item, _RULES)
        numbers[partition] = number_openings(facts, partition, numbers[partition])
        for fact in facts:
            evolve(room, fact)
        block.facts += facts
        block.items += [item] * len(facts)
        block.partitions += [partition] * len(facts)
        block.offsets += [places[partition]] * len(facts)
        block.indexes += [0] * len(facts)
        block.frame_inputs += [1] * len(facts)
        places[partition] += 1
    return rows_of(block, epochs, JUDGED_AT_MS)


def _next(waiting: list[Input], rooms: dict[tuple[str, str], Room]) -> Input:
    """Return what is received next: a client's input, or the expiry of the lease that ends first."""
    ends = [(*end, room) for room in rooms.values() if (end := _next_end(room))]
    first = min(ends, key=lambda end: end[:2], default=None)
    if first is not None and (not waiting or first[0] + _FOUND_LATER_MS < waiting[-1].received_at_ms):
        ends_at_ms, session, room = first
        named: dict[str, Any] = {"room_kind": room.room_kind, "room": room.room_id, "session": session}
        return Input("expire", ends_at_ms + _FOUND_LATER_MS, **named)
    return waiting.pop()


def _next_end(room: Room) -> tuple[int, str] | None:
    """Return the lease of the room that ends first."""
    live = [each for each in room.sessions.values() if not each.closed_at_ms and each.lease_ends_at_ms]
    return min(((each.lease_ends_at_ms, each.session_id) for each in live), default=None)
