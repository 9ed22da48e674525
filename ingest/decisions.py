"""Hearing what was decided: one thread follows the decisions topic, the event loop hands each decision out.

Everything decided goes to the directory first and then to whoever waits for it, so that an answered caller finds the
directory up to date. The topic may repeat decisions; a waiter is answered once, the directory is told of each place
once. Source: design section 5.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable

import msgspec

from ingest.heard import NOTHING, Answered, HeardPlaces
from ingest.metrics import Metrics
from storage.decisions import Decision, decode_decision
from storage.event_log import DECISIONS_TOPIC, EventLog, LogUnavailable, Tail
from storage.frames import split_frame

_LOG = logging.getLogger(__name__)
_POLL_S = 0.5
_PAUSE_S = 0.5
_CATCH_UP_S = 2.0

Waited = tuple[str, str, str]
"""Room kind, room and input id: what a waiter waits for."""


class DecisionFollower:
    """Follows the decisions topic from its end at `start` on."""

    def __init__(self, log: EventLog, apply: Callable[[Decision], None], metrics: Metrics, heard: HeardPlaces) -> None:
        self._log = log
        self._apply = apply
        self._metrics = metrics
        self._heard = heard
        self._answered: dict[int, Answered] = {}
        self._behind: set[asyncio.Future[None]] = set()
        self._waiters: dict[Waited, list[asyncio.Future[Decision]]] = {}
        self._applied: dict[int, tuple[int, int, int]] = {}
        self._stopping = threading.Event()
        self._tail: Tail | None = None
        self._thread = threading.Thread(target=self._follow, name="decisions", daemon=True)

    def start(self) -> None:
        """Note the topic's end and follow from there.

        Raises: LogUnavailable.
        """
        self._loop = asyncio.get_running_loop()
        # Before the end is noted: what siblings have heard by now lies before it, in the store.
        self._answered = {partition: self._heard.newest(partition) for partition in range(self._log.partitions)}
        self._offsets = {partition: bounds.end for partition, bounds in self._log.bounds(DECISIONS_TOPIC).items()}
        self._thread.start()

    def expect(self, waited: Waited) -> "asyncio.Future[Decision]":
        """Return the future of the decision about this input; say `forget` when nobody waits any more."""
        future: asyncio.Future[Decision] = self._loop.create_future()
        self._waiters.setdefault(waited, []).append(future)
        return future

    def forget(self, waited: Waited, future: "asyncio.Future[Decision]") -> None:
        """Stop waiting."""
        futures = self._waiters.get(waited)
        if futures is not None:
            if future in futures:
                futures.remove(future)
            if not futures:
                del self._waiters[waited]

    async def close(self) -> None:
        """Stop following."""
        self._stopping.set()
        tail = self._tail
        if tail is not None:
            await asyncio.to_thread(tail.close)
        await asyncio.to_thread(self._thread.join)

    def deliver(self, decisions: Iterable[Decision]) -> None:
        """Hand out decisions in the order of the topic."""
        for decision in decisions:
            partition, offset, index, fact_index = decision.place
            # The answer (fact 0) comes after its consequences.
            place = (offset, index, fact_index or 1 << 32)
            if place > self._applied.get(partition, (-1, 0, 0)):
                self._applied[partition] = place
                self._apply(decision)
            if fact_index == 0:
                self._answered[partition] = max((offset, index), self._answered.get(partition, NOTHING))
            if decision.id:
                self._answer(decision)
        for future in self._behind:
            if not future.done():
                future.set_result(None)

    async def catch_up(self, partition: int) -> None:
        """Return when this process has heard what clients of its siblings were told of the partition.

        It gives up after a while: then the decisions can't be read now, and the directory asks the store or is old.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CATCH_UP_S):
                while self._heard.is_behind(partition, self._answered.get(partition, NOTHING)):
                    news = self._loop.create_future()
                    self._behind.add(news)
                    try:
                        await news
                    finally:
                        self._behind.discard(news)

    def _answer(self, decision: Decision) -> None:
        waiting = self._waiters.pop((decision.room_kind, decision.room, decision.id), ())
        if waiting:
            partition, offset, index, _ = decision.place
            self._heard.tell(partition, (offset, index))
        for future in waiting:
            if not future.done():
                future.set_result(decision)

    def _follow(self) -> None:
        is_told = False
        while not self._stopping.is_set():
            try:
                self._read_on()
            except LogUnavailable as error:
                if not is_told:
                    _LOG.warning("the decisions can't be read now: %s", error)
                is_told = True
                self._stopping.wait(_PAUSE_S)
            else:
                if is_told:
                    _LOG.warning("the decisions can be read again")
                is_told = False
        if self._tail is not None:
            self._tail.close()

    def _read_on(self) -> None:
        if self._tail is None:
            self._tail = self._log.follow(DECISIONS_TOPIC, self._offsets)
        records = self._tail.poll(_POLL_S)
        decisions = [decision for record in records for decision in self._decoded(record.value)]
        if decisions and not self._stopping.is_set():
            self._metrics.decisions_read.inc(len(decisions))
            self._loop.call_soon_threadsafe(self.deliver, decisions)

    def _decoded(self, value: bytes) -> Iterable[Decision]:
        for line in split_frame(value):
            try:
                yield decode_decision(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                _LOG.warning("a line of the decisions topic is no decision: %s", error)
