"""Faust's consumer on the SQLite log.

It is given all partitions of the subscribed topics at once, as soon as it holds the log's worker lock; until then it
stands by.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from faust.exceptions import ConsumerNotStarted, ImproperlyConfigured
from faust.types import TP
from mode import Service

from storage.event_log import Record
from storage.faust_sqlite_offsets import SqliteOffsets
from storage.open_log import sqlite_path
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_file import TOPIC_NUMBERS
from storage.sqlite_log_worker import WorkerLock
from storage.wakeup import LOOK_AGAIN_S, Sleeper

FETCH_BYTES_MAX = 2 * 1024 * 1024
"""About how much is read at once."""
STANDBY_LOOK_S = 0.1
"""How often a standby looks whether the worker before it has gone."""


class SqliteConsumer(SqliteOffsets):
    """Reads off the event loop, sleeps until a writer commits, and holds only so much unfinished work."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._lock: WorkerLock | None = None
        self._sleepers: list[Sleeper] = []
        self._topics: frozenset[str] = frozenset()
        self._subscription_changed = asyncio.Event()

    async def on_start(self) -> None:
        """Open the log."""
        await super().on_start()
        path = sqlite_path(str(self.transport.url[0]))
        self._opened = await asyncio.to_thread(SqliteLog, path, self.app.conf.topic_partitions)
        self._lock = WorkerLock(path)

    async def on_stop(self) -> None:
        """Commit, close the log and let the standby have it, whatever goes wrong on the way."""
        try:
            await super().on_stop()
        finally:
            self._sleep_for(frozenset())
            log, self._opened = self._opened, None
            if log is not None:
                await asyncio.to_thread(log.close)
            if self._lock is not None:
                self._lock.release()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Ask for all partitions of the topics; they are assigned once this process holds the worker lock."""
        wanted = frozenset(topics)
        if unknown := wanted - TOPIC_NUMBERS.keys():
            raise ImproperlyConfigured(
                f"the SQLite log has no topic {', '.join(sorted(unknown))}; "
                "set topic_disable_leader=True and use the log's own topics"
            )
        self._topics = wanted
        self._subscription_changed.set()

    @Service.task
    async def _follow_subscription(self) -> None:
        while not self.should_stop:
            await self._subscription_changed.wait()
            self._subscription_changed.clear()
            if not await self._wait_for_lock():
                continue
            try:
                await self._assign_everything()
            except ConsumerNotStarted:
                if not self.should_stop:
                    raise  # told to stop while it was being given partitions: the log is closed already

    async def _wait_for_lock(self) -> bool:
        """Return whether the lock was had before the consumer had to stop."""
        is_announced = False
        while not self.should_stop and self._lock is not None:
            if self._lock.try_acquire():
                return True
            if not is_announced:
                self.log.info("Standing by: another processor works on this log")
                is_announced = True
            await self.sleep(STANDBY_LOOK_S)
        return False

    async def _assign_everything(self) -> None:
        """Do what a group coordinator does in a rebalance: revoke what was assigned, then assign."""
        self.app.on_rebalance_start()
        self.app.consumer_generation_id += 1
        await self.on_partitions_revoked(set(self._assigned))
        self._positions.clear()
        self._hand.drop_all()
        partitions = range(self._log.partitions)
        self._assigned = {TP(topic, partition) for topic in self._topics for partition in partitions}
        self._ends = dict(await self.highwaters(*self._assigned))
        self._sleep_for(self._topics)
        await self.on_partitions_assigned(set(self._assigned), self.app.consumer_generation_id)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, Any]:
        give_up_at = time.monotonic() + timeout
        while self.flow_active and not self.should_stop:
            self._news.clear()
            wanted = self._wanted(active_partitions)
            if wanted and self._hand.has_room():
                found = await asyncio.to_thread(self._read, wanted)
                if found:
                    return {place: self._hand_out(place, wanted[place], records) for place, records in found.items()}
            left_s = give_up_at - time.monotonic()
            if left_s <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left_s, LOOK_AGAIN_S))
        return {}

    def _read(self, wanted: Mapping[TP, int]) -> dict[TP, list[Record]]:
        """Read what is new, the places in the given order; runs in a thread."""
        log = self._log
        bounds = {topic: log.bounds(topic) for topic in {place.topic for place in wanted}}
        self._ends.update({place: bounds[place.topic][place.partition].end for place in wanted})
        behind = [place for place, offset in wanted.items() if offset < self._ends[place]]
        found: dict[TP, list[Record]] = {}
        room_bytes = FETCH_BYTES_MAX
        for place in behind:
            share_bytes = min(room_bytes, FETCH_BYTES_MAX // len(behind))
            records = list(log.read(place.topic, place.partition, wanted[place], share_bytes))
            room_bytes -= sum(len(record.value) for record in records)
            found[place] = records
            if room_bytes <= 0:
                break
        return {place: records for place, records in found.items() if records}

    def _sleep_for(self, topics: frozenset[str]) -> None:
        """Be woken by commits to these topics, and no others."""
        loop = asyncio.get_running_loop()
        for sleeper in self._sleepers:
            loop.remove_reader(sleeper.fileno())
            sleeper.close()
        self._sleepers = [self._log.sleeper(topic) for topic in topics]
        for sleeper in self._sleepers:
            loop.add_reader(sleeper.fileno(), self._on_woken, sleeper)

    def _on_woken(self, sleeper: Sleeper) -> None:
        sleeper.forget()
        self._news.set()
