"""What a block does to the world: rows into the store, decisions into the log, frames acked.

Each effect is retried until it succeeds, with a growing pause, because there is nowhere else to put what was accepted:
the log holds it meanwhile and grows. Only what makes a retry wrong comes out as an exception.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import pyarrow

from processors.metrics import ProcessorMetrics
from processors.stored_counts import ages_in_buckets, changes_of_live, count, groups_of
from processors.taken import Taken
from storage.columns import LANDING_TABLE
from storage.event_log import DECISIONS_TOPIC, EventLog, Frame, LogUnavailable
from storage.frames import pack_frames
from storage.store import InsertUncertain, StaleEpoch, Store, StoreRefused, StoreUnavailable

LOGGER = logging.getLogger("roomstate.processor")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
LOG_TIMEOUT_S = 5.0

Result = TypeVar("Result")


class Interrupted(Exception):
    """Something more urgent came up while an effect was being retried; it did not happen."""


class Patience:
    """Retries what a store or log out of reach made impossible, until it works or something interrupts."""

    def __init__(self, metrics: ProcessorMetrics | None = None) -> None:
        self._interruption = asyncio.Event()
        self._metrics = metrics or ProcessorMetrics()

    def interrupt(self) -> None:
        """Make retries under way, and those to come, end with `Interrupted`."""
        self._interruption.set()

    def go_on(self) -> None:
        """Let retries happen again."""
        self._interruption.clear()

    async def until_done(self, what: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Return what the attempt returns, trying again after a growing pause while a part is out of reach.

        Raises: Interrupted between two attempts; InsertUncertain and StaleEpoch at once, for they mean that what was
        known before no longer holds.
        """
        pause_s = FIRST_PAUSE_S
        failures = 0
        while True:
            try:
                result = await attempt()
            except (InsertUncertain, StaleEpoch):
                raise
            except (StoreUnavailable, StoreRefused, LogUnavailable) as error:
                failures += 1
                self._metrics.failed("log" if isinstance(error, LogUnavailable) else "store")
                LOGGER.warning("cannot %s (%s); trying again in %.1f s", what, error, pause_s)
            else:
                if failures:
                    LOGGER.info("could %s after %d failed attempts", what, failures)
                return result
            await self._pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _pause(self, pause_s: float) -> None:
        try:
            await asyncio.wait_for(self._interruption.wait(), pause_s)
        except TimeoutError:
            return
        raise Interrupted


class Effects:
    """The three effects of a block, in the order in which the drain calls them."""

    def __init__(
        self, store: Store, log: EventLog, patience: Patience, metrics: ProcessorMetrics | None = None
    ) -> None:
        self._store = store
        self._log = log
        self._patience = patience
        self._metrics = metrics or ProcessorMetrics()

    async def insert(self, rows: pyarrow.Table) -> None:
        """Insert the rows as one block.

        Raises: InsertUncertain, StaleEpoch, Interrupted.
        """
        begun_s = time.monotonic()
        try:
            await self._patience.until_done("store rows", lambda: self._store.insert(LANDING_TABLE, rows))
        except StaleEpoch:
            self._metrics.inserts_refused.inc()
            raise
        except InsertUncertain:
            self._metrics.inserts_uncertain.inc()
            raise
        self._metrics.insert_seconds.observe(time.monotonic() - begun_s)

    def count(self, rows: pyarrow.Table, stored_at_ms: int) -> Mapping[int, Counter[str]]:
        """Count stored rows; return by how much the live sessions of each partition changed, by kind of room."""
        self._metrics.freshness.add(*ages_in_buckets(rows, stored_at_ms))
        self._metrics.insert_rows.observe(rows.num_rows)
        groups = groups_of(rows)
        count(groups, self._metrics)
        self._metrics.rows_stored.inc(rows.num_rows)
        return changes_of_live(groups)

    async def publish(self, decisions: Mapping[int, Sequence[bytes]]) -> None:
        """Append the encoded decisions of each partition to the same partition of the decisions topic.

        Raises: Interrupted.
        """
        frames = [
            Frame(DECISIONS_TOPIC, partition, value, count)
            for partition, lines in decisions.items()
            for value, count in pack_frames(lines)
        ]
        if frames:
            await self._patience.until_done(
                "publish decisions", lambda: asyncio.to_thread(self._log.append, frames, LOG_TIMEOUT_S)
            )
            self._metrics.decisions_published.inc(sum(frame.lines for frame in frames))

    def ack(self, frames: Iterable[Taken]) -> None:
        """Tell Faust that the frames are done with; its committed offsets serve whoever watches the lag."""
        for frame in frames:
            frame.ack()
