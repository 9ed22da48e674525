"""What a worker does once in a while: trim the log, and keep marks where retention can't take them.

A frame leaves the log only when it is past the retention and below what the store holds (design section 3); a
partition's last stored frame stays, because a takeover may read it again. The decisions topic is trimmed by age alone.
"""

import asyncio
from collections.abc import Mapping

from processors.effects import LOGGER
from processors.partition import Partition
from storage.clock import now_ms
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, EventLog, LogUnavailable
from storage.ownership import Owner, record_marks, stored_marks
from storage.store import Store, StoreRefused, StoreUnavailable

EVERY_S = 3600.0


class Housekeeping:
    """Looks after the partitions that a worker holds."""

    def __init__(self, held: Mapping[int, Partition], log: EventLog, store: Store, owner: str) -> None:
        self._held = held
        self._log = log
        self._store = store
        self._owner = owner

    async def run(self) -> None:
        """Do it every hour, until cancelled; a store or log out of reach is tried again next time."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.trim(now_ms())
                await self.keep_marks(now_ms())
            except (StoreUnavailable, StoreRefused, LogUnavailable) as error:
                LOGGER.warning("cannot trim the log now (%s); trying again in an hour", error)

    async def trim(self, now: int) -> int:
        """Forget frames that are past retention and stored, and return how many; none if the log does so by itself."""
        retention_ms = self._log.trim_after_ms
        if retention_ms is None:
            return 0
        marks = await stored_marks(self._store, list(self._held))
        before = {number: mark.offset for number, mark in marks.items() if mark.offset > 0}
        decisions = await asyncio.to_thread(self._log.bounds, DECISIONS_TOPIC)
        published = {number: decisions[number].end for number in self._held}
        older_than_ms = now - retention_ms
        trimmed = await asyncio.to_thread(self._log.trim, INPUTS_TOPIC, before, older_than_ms)
        trimmed += await asyncio.to_thread(self._log.trim, DECISIONS_TOPIC, published, older_than_ms)
        if trimmed:
            LOGGER.info("trimmed %d frames that are stored and older than the log's retention", trimmed)
        return trimmed

    async def keep_marks(self, now: int) -> None:
        """Record in the store up to where it holds each partition."""
        epochs = {number: held.epoch for number, held in self._held.items()}
        if epochs:
            await record_marks(self._store, epochs, Owner(self._owner, self._log.log_id, now))
