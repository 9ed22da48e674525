"""From the intake into a block: which frames are next, which rooms they need from the store, and judging them.

Only the next offset of a held partition is accepted. Lower ones are stored already and are acked; after a higher one
something is missing between, so it is dropped and Faust is asked to seek (design section 6).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from processors.block import BLOCK_BYTES_MAX, BLOCK_INPUTS_MAX, Block
from processors.effects import Interrupted
from processors.intake import Intake
from processors.partition import Partition
from processors.rooms import RoomKey, needs_whole_room
from processors.step import judge
from processors.taken import Slice, Taken, decode_slice
from state_machine.room import Room, Rules
from storage.frames import MalformedLine, partition_of

FetchRooms = Callable[[frozenset[RoomKey]], Awaitable[Mapping[RoomKey, Room]]]
"""The attributes and answered commands of rooms, as the store has them."""

SEEK_AFTER_S = 1.0
"""For how long a partition may give nothing but frames beyond the next one before Faust is asked to seek."""
_LINES_PER_TURN = 500
"""How many lines are worked on before others on the event loop have their turn: a few milliseconds' worth."""


class Seek(NamedTuple):
    """A frame that did not come."""

    partition: int
    offset: int
    times: int
    """How often it was asked for, this time included."""


class _Pace:
    """Lets others on the event loop have a turn now and then, but not after each small frame."""

    def __init__(self) -> None:
        self._lines = 0

    async def after(self, lines: int) -> None:
        """Note that so many lines were worked on, and yield if it was time."""
        self._lines += lines
        if self._lines >= _LINES_PER_TURN:
            self._lines = 0
            await asyncio.sleep(0)


class Judging:
    """Judges what is in the intake; the drain's task alone calls it."""

    def __init__(self, intake: Intake, partitions: int, rules: Rules, fetch_rooms: FetchRooms) -> None:
        self.held: dict[int, Partition] = {}
        """The partitions that this worker holds, by number."""
        self._intake = intake
        self._partitions = partitions
        self._rules = rules
        self._fetch_rooms = fetch_rooms
        self._gap_since_s: dict[int, float] = {}
        self._sought: dict[int, tuple[int, int]] = {}
        """Of each partition: the offset that was asked for last, and how often."""

    async def fill(self, block: Block) -> None:
        """Judge what is there now into the block, as far as it has room.

        Raises: Interrupted, with everything where it was, if rooms could not be fetched.
        """
        slices = await self._next_slices(block)
        try:
            await self._fetch_what_they_need(slices)
        except Interrupted:
            self._intake.put_back(part.frame for part in slices if part.ends_frame)
            raise
        pace = _Pace()
        for part in slices:
            judge(part, self.held[part.frame.partition], self._partitions, self._rules, block)
            await pace.after(len(part.lines))

    async def _next_slices(self, block: Block) -> list[Slice]:
        """Take frames off the intake, decoded, up to what the block has room for."""
        slices: list[Slice] = []
        next_offsets = {number: held.next_offset for number, held in self.held.items()}
        inputs, value_bytes = block.inputs, block.value_bytes
        pace = _Pace()
        while (
            (frame := self._intake.peek()) is not None and inputs < BLOCK_INPUTS_MAX and value_bytes < BLOCK_BYTES_MAX
        ):
            if self._is_next(frame, next_offsets):
                held = self.held[frame.partition]
                start = held.next_index if frame.offset == held.next_offset else 0
                part = decode_slice(frame, start, BLOCK_INPUTS_MAX)
                slices.append(part)
                if not part.ends_frame:
                    break
                inputs += len(part.lines)
                value_bytes += len(frame.value)
                next_offsets[frame.partition] += 1
                await pace.after(len(part.lines))
            self._intake.take()
        return slices

    def _is_next(self, frame: Taken, next_offsets: Mapping[int, int]) -> bool:
        expected = next_offsets.get(frame.partition)
        if expected is None:
            frame.ack()  # of a partition that stands still or was lost: nothing waits for it here
            return False
        if frame.offset == expected:
            self._gap_since_s.pop(frame.partition, None)
            return True
        if frame.offset < expected:
            frame.ack()
        else:
            self._gap_since_s.setdefault(frame.partition, time.monotonic())
        return False

    def seeks_due(self) -> list[Seek]:
        """Return where Faust has to go back because something was missing for too long; asks once in a while."""
        now_s = time.monotonic()
        due = [number for number, since_s in self._gap_since_s.items() if now_s - since_s >= SEEK_AFTER_S]
        seeks = []
        for number in due:
            self._gap_since_s[number] = now_s
            if (held := self.held.get(number)) is not None:
                offset, times = self._sought.get(number, (-1, 0))
                times = times + 1 if offset == held.next_offset else 1
                self._sought[number] = held.next_offset, times
                seeks.append(Seek(number, held.next_offset, times))
        return seeks

    def lose(self, partitions: Iterable[int]) -> None:
        """Forget everything about the partitions."""
        for number in partitions:
            self.held.pop(number, None)
            self._gap_since_s.pop(number, None)
            self._sought.pop(number, None)

    async def _fetch_what_they_need(self, slices: list[Slice]) -> None:
        """Make every room whole whose attributes or answers an input will look at, with one query for all."""
        missing: dict[RoomKey, Partition] = {}
        for part in slices:
            held = self.held[part.frame.partition]
            for item in [line for line in part.lines if line.kind != "status"]:
                if isinstance(item, MalformedLine) or not needs_whole_room(item):
                    continue
                key = (item.room_kind, item.room)
                if not held.rooms.is_whole(key) and partition_of(*key, self._partitions) == held.number:
                    missing[key] = held
        stored = await self._fetch_rooms(frozenset(missing)) if missing else {}
        for key, held in missing.items():
            held.rooms.add_whole(key, stored.get(key) or Room(*key))

    def sweep(self, kept: frozenset[RoomKey]) -> None:
        """Let idle rooms leave memory; `kept` are those with rows that are not stored yet."""
        for held in self.held.values():
            held.rooms.sweep(held.received_ms, self._rules, kept)
