"""Taking partitions over: from here on they are this worker's, and nobody else's rows get in (design section 6).

1. Claim: a new epoch for each partition, under this worker's own id. The gate refuses everybody else from now on.
2. Wait until no insert that was let in before is still running, so that what is read next is final.
3. Read the marks and the last session numbers, and hold the marks against the log: a partition whose log does not fit
   stops, loudly, with the offsets.
4. Bring back the sessions that are live or were closed recently, and what is published. What else is known of their
   rooms is fetched when an input needs it: of all rooms at once it would be more than the rest of the takeover, and
   most statuses never need it.
5. Publish the decisions of the last seconds again: the worker before may have stopped between rows and decisions.

The next offset is the mark's own if that frame was cut over two blocks and is not stored to its end: it is read again
and goes on behind its last stored line.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from processors.effects import Effects, Patience
from processors.partition import Partition
from processors.restore import restore_publications, restore_stays, restored_rooms
from processors.rooms import RoomKey
from state_machine.inputs import Input
from state_machine.leases import is_live
from state_machine.room import Room, Rules
from storage.clock import now_ms
from storage.collecting import collecting_later
from storage.decisions import Decision, decision_of, encode_decision
from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, LogMismatch, LogUnreadable
from storage.frames import MalformedLine, decode_input, partition_of, split_frame
from storage.live_stays import live_stays
from storage.ownership import WHOLE_FRAME, Mark, check_log, claim, stored_marks
from storage.publications import running_publications
from storage.restoring import StoredFact, last_decisions, named_rooms
from storage.session_numbers import last_numbers
from storage.store import Store

PUBLISHED_AGAIN_MS = 5_000
"""Decisions of so much of each partition's newest rows are published again."""
CLOCK_SKEW_MS = 60_000
"""How much earlier than others one ingest process may date what it receives."""


WHAT_TO_DO = (
    "make the log readable again, or accept the loss with `roomstate accept-gap`; the partition then goes on by itself"
)


class Standstill(NamedTuple):
    """Why a partition is not read any further."""

    offset: int
    """The first that is missing."""
    why: str


class Standing(NamedTuple):
    """Where store and log stand at a takeover."""

    epochs: Mapping[int, int]
    marks: Mapping[int, Mark]
    bounds: Mapping[int, Bounds]
    numbers: Mapping[int, int]
    """Of each partition's last opening."""


class Takeover:
    """Takes partitions over for one worker."""

    def __init__(self, store: Store, log: EventLog, rules: Rules, owner: str, patience: Patience) -> None:
        self._store = store
        self._log = log
        self._rules = rules
        self._owner = owner
        self._patience = patience
        self._effects = Effects(store, log, patience)

    async def take(self, partitions: frozenset[int]) -> tuple[dict[int, Partition], dict[int, Standstill]]:
        """Return the partitions as they stand now, ready to go on, and those whose log does not fit.

        Raises: Interrupted; LogMismatch if the store belongs to another log, or the log is not what it was.
        """
        if unknown := [number for number in partitions if number >= self._log.partitions]:
            raise LogMismatch(
                f"the log was made with {self._log.partitions} partitions, but has a partition {max(unknown)} now: "
                "rooms would move between partitions; name a new log"
            )
        standing = await self._patience.until_done("take partitions over", lambda: self._claim(partitions))
        problems = await self._patience.until_done("check the log", lambda: self._problems(standing))
        taken = {number: _partition_at(number, standing) for number in sorted(partitions - problems.keys())}
        await self._patience.until_done("restore rooms", lambda: self._restore(taken))
        again = await self._patience.until_done("read the last decisions", lambda: self._last_decisions(taken))
        await self._effects.publish(again)
        return taken, {
            number: Standstill(standing.marks[number].offset + 1, str(problem)) for number, problem in problems.items()
        }

    async def freed(self, standing: Mapping[int, Standstill]) -> frozenset[int]:
        """Return the partitions whose missing offset is missing no longer: somebody accepted its loss.

        Raises: StoreUnavailable, StoreRefused.
        """
        marks = await stored_marks(self._store, standing)
        return frozenset(number for number, mark in marks.items() if mark.offset >= standing[number].offset)

    async def fetch_rooms(self, keys: frozenset[RoomKey]) -> Mapping[RoomKey, Room]:
        """Return what the store has of rooms beside their sessions, which are known without it.

        Raises: Interrupted.
        """
        return restored_rooms(await self._patience.until_done("fetch rooms", lambda: named_rooms(self._store, keys)))

    async def _claim(self, partitions: frozenset[int]) -> Standing:
        epochs = await claim(self._store, partitions, self._owner, self._log.log_id, now_ms())
        marks = await stored_marks(self._store, partitions)
        numbers = await last_numbers(self._store, partitions)
        bounds = await asyncio.to_thread(self._log.bounds, INPUTS_TOPIC)
        return Standing(epochs, marks, {number: bounds[number] for number in partitions}, numbers)

    async def _problems(self, standing: Standing) -> Mapping[int, LogMismatch]:
        return await check_log(self._store, self._log.log_id, standing.bounds, standing.marks)

    async def _restore(self, taken: Mapping[int, Partition]) -> None:
        if not taken:
            return
        partitions = self._log.partitions
        received_ms = await asyncio.to_thread(self._next_received_ms, taken)
        memory_ms = self._rules.closed_memory_ms + CLOCK_SKEW_MS
        since_ms = {number: time_ms - memory_ms for number, time_ms in received_ms.items()}
        rooms: dict[RoomKey, Room] = {}
        with collecting_later():
            async for stays in live_stays(self._store, since_ms):
                restore_stays(rooms, stays)
        restore_publications(rooms, await running_publications(self._store, taken))
        for number, held in taken.items():
            held.received_ms = received_ms[number]
        for key, room in rooms.items():
            held = taken[partition_of(*key, partitions)]
            held.rooms.add_sessions(key, room)
            held.leases.watch_room(key, room)
            held.live[room.room_kind] += sum(map(is_live, room.sessions.values()))

    def _next_received_ms(self, taken: Mapping[int, Partition]) -> dict[int, int]:
        """Return when each partition's next input was received; where nothing waits, now."""
        now = now_ms()
        return {number: min(self._received_ms(held) or now, now) for number, held in taken.items()}

    def _received_ms(self, held: Partition) -> int | None:
        """Return when the partition's next input was received, or None if nothing waits; reads the log."""
        try:
            if held.next_index:
                self._pass_over_stored_frame(held)
            records = self._log.read(INPUTS_TOPIC, held.number, held.next_offset, 1)
        except LogUnreadable:
            return None  # whoever delivers the frames says so
        for record in records:
            for line in split_frame(record.value)[held.next_index :]:
                try:
                    return decode_input(line).received_at_ms
                except MalformedLine:
                    continue
        return None

    def _pass_over_stored_frame(self, held: Partition) -> None:
        """Go on behind the mark's frame if it is stored to its end, as nearly always."""
        for record in self._log.read(INPUTS_TOPIC, held.number, held.next_offset, 1)[:1]:
            if held.next_index >= len(split_frame(record.value)):
                held.advance(record.offset, 0, ends_frame=True)

    async def _last_decisions(self, taken: Mapping[int, Partition]) -> dict[int, list[bytes]]:
        """Return the encoded decisions to publish again, by partition."""
        again: dict[int, list[bytes]] = {}
        rows = await last_decisions(self._store, taken, PUBLISHED_AGAIN_MS, now_ms())
        await self._find_repeated_answers(rows)
        for row in rows:
            number = row.place[0]
            again.setdefault(number, []).append(encode_decision(_decision_of(row)))
        return again

    async def _find_repeated_answers(self, rows: list[StoredFact]) -> None:
        """Give each row that answered a repeated command the earlier answer, which is what its reader is told."""
        repeats = [row for row in rows if row.fact.name == "ignored" and row.fact.reason == "duplicate"]
        keys = frozenset((row.room_kind, row.room_id) for row in repeats)
        rooms = restored_rooms(await named_rooms(self._store, keys)) if keys else {}
        for row in repeats:
            room = rooms.get((row.room_kind, row.room_id))
            row.fact.repeats = room.answers.get(row.input_id) if room else None


def _partition_at(number: int, standing: Standing) -> Partition:
    mark, bounds = standing.marks[number], standing.bounds[number]
    held = Partition(number, standing.epochs[number], mark.offset + 1, end_at_takeover=bounds.end)
    held.last_number = standing.numbers[number]
    if bounds.start <= mark.offset and mark.index != WHOLE_FRAME:
        held.next_offset, held.next_index = mark.offset, mark.index + 1
    return held


def _decision_of(row: StoredFact) -> Decision:
    item = Input(kind=row.kind, room_kind=row.room_kind, room=row.room_id, id=row.input_id)
    return decision_of(item, row.fact, *row.place)
