"""What Faust assigns to this worker, and how far it is ours: to be taken over, held, lost, or standing still.

Everything here happens between two blocks: the drain first brings what is in its hands to its end, then lets this take
a turn. A newer request interrupts the work on an older one, because Faust asks again only if the older no longer holds.
Source: design section 6.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from processors.effects import LOGGER, Interrupted, Patience
from processors.intake import Intake
from processors.judging import Judging
from processors.metrics import ProcessorMetrics
from processors.partition import Partition
from processors.takeover import Standstill, Takeover
from storage.store import StoreRefused, StoreUnavailable

ASK_AGAIN_S = 1.0
"""How often the group is asked whether a lost partition is still this worker's."""
LOOK_AGAIN_S = 5.0
"""How often is looked whether somebody accepted the gap that a partition stands still at."""
PRESSING_AFTER_S = 10.0
"""A request waits for so long for the insert that is in flight; the whole group may be waiting for it."""

Result = TypeVar("Result")


class Reader(Protocol):
    """Who delivers the frames (storage.checkpoint.CheckpointSeek)."""

    async def is_still_assigned(self) -> bool:
        """Tell whether what was assigned is assigned to nobody else by now."""

    async def read_from(self, partition: int, offset: int) -> None:
        """Deliver a partition from the offset on."""


@dataclass(slots=True, eq=False)
class _Request:
    """What Faust asks for; the reply is awaited by it."""

    partitions: frozenset[int]
    reply: asyncio.Future[Mapping[int, int]]
    asked_at_s: float
    is_takeover: bool = False

    def answer(self, offsets: Mapping[int, int]) -> None:
        """Answer, unless Faust no longer waits."""
        if not self.reply.done():
            self.reply.set_result(offsets)


class Assigned:
    """Serves Faust's requests, takes lost partitions over again, and watches those that stand still."""

    reader: Reader

    def __init__(
        self,
        intake: Intake,
        judging: Judging,
        takeover: Takeover,
        patience: Patience,
        metrics: ProcessorMetrics | None = None,
    ) -> None:
        self._intake = intake
        self._judging = judging
        self._takeover = takeover
        self._patience = patience
        self._metrics = metrics or ProcessorMetrics()
        self._requests: deque[_Request] = deque()
        self._is_asked = asyncio.Event()
        self._lost: frozenset[int] = frozenset()
        """Partitions that Faust still assigns to this worker, but that it has to take over again."""
        self._is_adrift = False
        self._retake_at_s = 0.0
        self._look_at_s = 0.0
        self._stops: dict[int, Standstill] = {}
        """Where partitions are going to stand still, once everything before is judged."""
        self.standing: dict[int, Standstill] = {}
        """Why partitions stand still."""

    @property
    def held(self) -> Mapping[int, Partition]:
        """The partitions that this worker holds now."""
        return self._judging.held

    @property
    def is_settled(self) -> bool:
        """Whether nothing was lost or asked for, and nothing has come to its stop."""
        return not (self._requests or self._lost or self._stops_due())

    @property
    def is_adrift(self) -> bool:
        """Whether what was lost is assigned to others by now, as far as is known."""
        return self._is_adrift and not self._requests

    @property
    def next_turn_s(self) -> float:
        """When there is something to do, if nobody asks before."""
        if self._requests or self._stops_due():
            return 0.0
        retake_at_s = self._retake_at_s if self._lost else float("inf")
        return min(retake_at_s, self._look_at_s if self.standing else float("inf"))

    @property
    def press_at_s(self) -> float:
        """When a request has waited for long enough."""
        return self._requests[0].asked_at_s + PRESSING_AFTER_S if self._requests else float("inf")

    async def ask(self, partitions: Iterable[int], *, is_takeover: bool = False) -> Mapping[int, int]:
        """Have partitions taken over (and none but these), or given up; return where those taken over go on."""
        reply: asyncio.Future[Mapping[int, int]] = asyncio.get_running_loop().create_future()
        for older in [request for request in self._requests if request.is_takeover]:
            self._requests.remove(older)
            older.answer({})
        self._requests.append(_Request(frozenset(partitions), reply, time.monotonic(), is_takeover))
        self._is_asked.set()
        self._patience.interrupt()
        return await reply

    def stand_still(self, number: int, standstill: Standstill) -> None:
        """Say why a partition is going to stand still, and let it, once everything before is judged."""
        LOGGER.error("partition %d stands still: %s", number, standstill.why)
        self._stops[number] = standstill

    def lose(self, pause_s: float) -> None:
        """Forget what is held; it is taken over again after a pause, if it is still assigned."""
        self._lost |= frozenset(self._judging.held)
        self._is_adrift = False
        self._retake_at_s = time.monotonic() + pause_s
        self._judging.lose(self._lost)

    def close(self) -> None:
        """Let nobody wait any longer."""
        while self._requests:
            self._requests.popleft().answer({})

    async def take_turn(self) -> bool:
        """Do one thing that is due, with empty hands; return whether there was one."""
        now_s = time.monotonic()
        if self._requests:
            await self._serve(self._requests.popleft())
        elif due := self._stops_due():
            self._stop(due)
        elif self._lost and now_s >= self._retake_at_s:
            await self._retake()
        elif self.standing and now_s >= self._look_at_s:
            await self._look()
        else:
            return False
        return True

    def _stops_due(self) -> dict[int, Standstill]:
        return {
            number: standstill
            for number, standstill in self._stops.items()
            if (held := self.held.get(number)) is not None and held.next_offset >= standstill.offset
        }

    def _stop(self, due: Mapping[int, Standstill]) -> None:
        self._forget(frozenset(due))
        self.standing.update(due)
        self._look_at_s = time.monotonic() + LOOK_AGAIN_S

    def _forget(self, gone: frozenset[int]) -> None:
        self._intake.drop(gone)
        self._judging.lose(gone)
        self._lost -= gone
        for number in gone:
            self._stops.pop(number, None)
            self.standing.pop(number, None)

    async def _serve(self, request: _Request) -> None:
        if not self._requests:
            self._calm_down()
        if request.reply.done():
            return
        if request.is_takeover:
            self._forget(request.partitions | frozenset(self.held) | self._lost | frozenset(self.standing))
            try:
                request.answer(await self._unless_asked(lambda: self._take(request.partitions)))
            except Interrupted:
                LOGGER.info("partitions %s: assigned anew meanwhile", shown(request.partitions))
                request.answer({})
            return
        self._forget(request.partitions)
        LOGGER.info("gave up partitions %s", shown(request.partitions))
        request.answer({})

    def _calm_down(self) -> None:
        self._is_asked.clear()
        self._patience.go_on()

    async def _unless_asked(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return what the work returns.

        Raises: Interrupted if something is asked for before it is done.
        """
        working = asyncio.ensure_future(work())
        asked = asyncio.create_task(self._is_asked.wait())
        try:
            await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Interrupted
            return working.result()
        finally:
            working.cancel()
            asked.cancel()
            await asyncio.gather(working, asked, return_exceptions=True)

    async def _take(self, partitions: frozenset[int]) -> Mapping[int, int]:
        if not partitions:
            LOGGER.info("no partition is left for this worker; standing by")
            return {}
        begun_s = time.monotonic()
        taken, standing = await self._takeover.take(partitions)
        self._metrics.takeover_seconds.observe(time.monotonic() - begun_s)
        self._metrics.takeovers.inc(len(taken))
        self._judging.held.update(taken)
        for number, standstill in standing.items():
            LOGGER.error("partition %d stands still: %s", number, standstill.why)
        self.standing.update(standing)
        self._look_at_s = time.monotonic() + LOOK_AGAIN_S
        LOGGER.info("took over partitions %s", shown(taken))
        return {number: held.next_offset for number, held in taken.items()}

    async def _retake(self) -> None:
        self._patience.go_on()
        try:
            await self._unless_asked(self._retake_if_still_assigned)
        except Interrupted:
            return

    async def _retake_if_still_assigned(self) -> None:
        if not await self.reader.is_still_assigned():
            if not self._is_adrift:
                LOGGER.warning("partitions %s: waiting for what the group assigns", shown(self._lost))
            self._is_adrift = True
            self._intake.drop(self._lost)
            self._retake_at_s = time.monotonic() + ASK_AGAIN_S
            return
        await self._take(self._lost)
        self._lost = frozenset()

    async def _look(self) -> None:
        """Go on with partitions whose gap was accepted."""
        self._look_at_s = time.monotonic() + LOOK_AGAIN_S
        try:
            free = await self._takeover.freed(self.standing)
            offsets = await self._unless_asked(lambda: self._take(free)) if free else {}
        except (Interrupted, StoreUnavailable, StoreRefused):
            return
        for number, offset in offsets.items():
            self.standing.pop(number, None)
            await self.reader.read_from(number, offset)


def shown(partitions: Iterable[int]) -> str:
    """Return the partitions for a log line."""
    return ", ".join(map(str, sorted(partitions))) or "none"
