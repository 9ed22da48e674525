"""The drain: frames of all held partitions become rows in the store, exactly once.

Frames are judged as they come, into an open block. As soon as no insert is in flight the block goes out; while one is,
the next block collects. There is no timer: an idle system stores at once, a busy one batches by itself.

The effects of a block, in this order, and what a crash right after each causes:

0. *Judge.* Only memory changed. The next worker reads the same frames again and decides the same: nothing is lost,
   nothing is stored twice.
1. *Insert the rows*, as one block that the store has whole or not at all. The rows are the checkpoint: the next worker
   starts after them. The decisions were not published, so takeover publishes those of the last seconds again, from
   the rows. A crash while the insert is under way ends as 0 or as 1; the takeover waits until it is known which.
2. *Publish the decisions.* Faust's committed offset is behind; nobody relies on it, the next worker seeks to the
   store's mark. The decisions are published a second time, which their readers see by the place.
3. *Ack the frames.* Nothing is left to do; that Faust commits later is a courtesy to lag monitors.

When an insert's outcome is unknown, or the gate says that the epoch is stale, everything in memory is dropped, the
frames in hand are put back, and the partitions are taken over again, from this worker or whoever had them meanwhile
(design section 6). Frames in hand that turn out to be stored are passed over, so nothing has to be read again.

One task does all of this; only the insert runs beside it. Others hand it frames and requests and wait.
Source: design section 6.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from processors.assigned import Assigned, shown
from processors.block import Block
from processors.effects import LOGGER, Effects, Interrupted
from processors.intake import Intake
from processors.judging import Judging
from processors.partition import Partition
from processors.rows import rows_of
from processors.taken import Taken
from processors.takeover import WHAT_TO_DO, Standstill
from storage.clock import now_ms
from storage.store import InsertUncertain, StaleEpoch

_STALE_PAUSE_S = 0.5
_STALE_PAUSE_MAX_S = 30.0
_SWEEP_EVERY_S = 30.0


class Drain:
    """Owns the partitions, the open block and the insert in flight (storage.checkpoint.Checkpoint to Faust)."""

    def __init__(self, intake: Intake, judging: Judging, effects: Effects, assigned: Assigned) -> None:
        self._intake = intake
        self._judging = judging
        self._effects = effects
        self._assigned = assigned
        self._wake = asyncio.Event()
        self.finished = asyncio.Event()
        """Set once `run` has ended."""
        self._open = Block()
        self._in_flight: Block | None = None
        self._inserting: asyncio.Task[None] | None = None
        self._stale_times = 0
        self._last_judged_at_ms = 0
        self._sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
        self._is_stopping = False

    @property
    def held(self) -> Mapping[int, Partition]:
        """The partitions that this worker holds now."""
        return self._judging.held

    async def offer(self, frames: Sequence[Taken]) -> None:
        """Hand over the next frames of a partition, waiting while too many wait already."""
        if self._is_stopping:
            return
        await self._intake.put(frames)
        self._wake.set()

    async def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Take the partitions over and return the offset at which each goes on."""
        return await self._ask(partitions, is_takeover=True)

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Store what is in hand of the partitions and forget them."""
        await self._ask(partitions)

    async def stand_still(self, partition: int, offset: int, why: str) -> None:
        """Store what comes before the offset, and let the partition stand still there."""
        self._assigned.stand_still(partition, Standstill(offset, f"{why}; {WHAT_TO_DO}"))
        self._wake.set()

    def stop(self) -> None:
        """Let `run` return once everything that was offered is stored."""
        self._is_stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Drain until stopped; any exception is a fault of this program."""
        try:
            while True:
                has_more = await self._take_turn()
                if self._is_stopping and self._is_empty():
                    break
                if not has_more:
                    await self._wait()
        finally:
            self.finished.set()
            if self._inserting is not None:
                self._inserting.cancel()
            self._assigned.close()

    async def _ask(self, partitions: frozenset[int], *, is_takeover: bool = False) -> Mapping[int, int]:
        if self.finished.is_set():
            return {}
        self._wake.set()
        return await self._assigned.ask(partitions, is_takeover=is_takeover)

    def _is_empty(self) -> bool:
        is_settled = self._assigned.is_settled or self._assigned.is_adrift
        return is_settled and not (self._intake or self._open.ended or self._inserting)

    async def _wait(self) -> None:
        """Wait for a frame, a request, the end of the insert, or the next thing that time brings."""
        next_turn_s = self._assigned.next_turn_s if self._inserting is None else self._press_at_s()
        wake_at_s = min(self._sweep_at_s, next_turn_s)
        try:
            await asyncio.wait_for(self._wake.wait(), max(wake_at_s - time.monotonic(), 0.0))
        except TimeoutError:
            return
        self._wake.clear()

    def _press_at_s(self) -> float:
        """Return when the insert in flight has to end for the sake of a request."""
        is_cancelled = self._inserting is not None and self._inserting.cancelling()
        return float("inf") if is_cancelled else self._assigned.press_at_s

    async def _take_turn(self) -> bool:
        """Do what can be done now; return whether there may be more to do without waiting."""
        if self._inserting is not None and self._inserting.done():
            self._settle(self._inserting)
        if time.monotonic() >= self._sweep_at_s:
            self._sweep()
        if not self._assigned.is_settled:
            return await self._take_over_turn()
        try:
            await self._judging.fill(self._open)
        except Interrupted:
            return True
        if self._start_insert():
            return bool(self._intake)
        return self._inserting is None and await self._assigned.take_turn()

    async def _take_over_turn(self) -> bool:
        """Bring what is in hand to its end, then serve a request or take lost partitions over again."""
        if self._inserting is not None:
            if time.monotonic() >= self._press_at_s():
                self._inserting.cancel()  # whoever takes over waits until the store has done with it
            return False
        if self._start_insert():
            return False
        return await self._assigned.take_turn()

    def _start_insert(self) -> bool:
        """Send the open block out if nothing is in flight; return whether that was done."""
        if self._inserting is not None or (not self._open.ended and not self._open.facts):
            return False
        block, self._open = self._open, Block()
        self._in_flight = block
        self._inserting = asyncio.create_task(self._carry_out(block), name="insert")
        self._inserting.add_done_callback(lambda _: self._wake.set())
        return True

    async def _carry_out(self, block: Block) -> None:
        """Do the block's effects in their order (see above)."""
        if block.facts:
            self._last_judged_at_ms = max(now_ms(), self._last_judged_at_ms + 1)
            epochs = {number: held.epoch for number, held in self._judging.held.items()}
            rows = rows_of(block, epochs, self._last_judged_at_ms)
            await self._effects.insert(rows)
            stored_at_ms = now_ms()
            try:
                await self._effects.publish(block.decisions)
            finally:  # the rows are stored whatever becomes of their decisions
                for number, change in self._effects.count(rows, stored_at_ms).items():
                    if (held := self._judging.held.get(number)) is not None:
                        held.live.update(change)
        self._effects.ack(block.ended)

    def _settle(self, inserting: asyncio.Task[None]) -> None:
        self._inserting = None
        try:
            inserting.result()
        except asyncio.CancelledError:
            self._lose_everything("an insert took too long for the group to wait", 0.0)
        except (InsertUncertain, Interrupted) as error:
            self._lose_everything(f"taking over again: {error or 'interrupted'}", 0.0)
        except StaleEpoch:
            pause_s = min(_STALE_PAUSE_S * 2**self._stale_times, _STALE_PAUSE_MAX_S)
            self._stale_times += 1
            self._lose_everything("another worker took a partition over; taking over again if still assigned", pause_s)
        else:
            self._stale_times = 0
            self._in_flight = None

    def _lose_everything(self, why: str, pause_s: float) -> None:
        """Drop all that was decided but perhaps not stored; the frames in hand will be judged again."""
        LOGGER.warning("partitions %s: %s", shown(self.held), why)
        in_flight, self._in_flight = self._in_flight or Block(), None
        self._intake.put_back([*in_flight.ended, *self._open.ended])
        self._open = Block()
        self._assigned.lose(pause_s)

    def _sweep(self) -> None:
        self._sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
        items = [*self._open.items, *(self._in_flight.items if self._in_flight else ())]
        self._judging.sweep(frozenset((item.room_kind, item.room) for item in items))
