"""What can be reached, and how far the store is behind the log, as /metrics and /readyz tell it.

Looked at when somebody asks, at most once in a while, each part on its own and for a bounded time; a part that kept
silent is not waited for again while the question to it is still open. What is not known is not told: while the store is
away /metrics has no lag, and /readyz says null.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final, Generic, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.store_gate import StoreGate
from storage import metric_list as listed
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, LogUnavailable
from storage.instruments import shown
from storage.lag import Stored, Tail, all_tails, read_stored, read_tails
from storage.metric_kinds import GaugeMetric
from storage.store import StoreError

_FRESH_S: Final = 0.5
_PATIENCE_S: Final = 2.0
_PATIENCE_AGAIN_S: Final = 0.1

_Found = TypeVar("_Found")


class _Question(Generic[_Found]):
    """A question that may be asked again while the answer is still to come; it is then not put a second time."""

    def __init__(self, ask: Callable[[], Awaitable[_Found]]) -> None:
        self._ask = ask
        self._asking: asyncio.Future[_Found] | None = None

    async def answer(self) -> tuple[_Found | None, str]:
        """Return the answer, or None and why there is none."""
        patience_s = _PATIENCE_AGAIN_S
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
            patience_s = _PATIENCE_S
        done, _ = await asyncio.wait({self._asking}, timeout=patience_s)
        if not done:
            return None, "no answer in time"
        asked, self._asking = self._asking, None
        try:
            return asked.result(), ""
        except TimeoutError:
            return None, "no answer in time"
        except (LogUnavailable, StoreError) as error:
            return None, str(error)


class LagWatch(Collector):
    """Looks at log, store and processors, and shows what it saw."""

    def __init__(self, log: EventLog, store: StoreGate) -> None:
        self._log = log
        self._store = store
        self._looking: asyncio.Task[None] | None = None
        self._looked_at_s = float("-inf")
        self._bounds: Mapping[int, Bounds] | None = None
        self._stored: Stored | None = None
        self._tails: Mapping[int, Tail] | None = None
        self._stored_question = _Question(self._read_stored)
        self._bounds_question = _Question(lambda: asyncio.to_thread(log.bounds, INPUTS_TOPIC))
        self._tails_question = _Question(self._read_tails)
        self._workers_question = _Question(self._count_workers)
        self.troubles: dict[str, str] = {}
        """Why the log, the store or the processor can't be reached; '' = it can."""

    @property
    def tail(self) -> Tail | None:
        """What waited for the store when it was last looked; None = not known."""
        return None if self._tails is None else all_tails(self._tails.values())

    async def look(self) -> None:
        """Look, unless somebody did a moment ago; who asks meanwhile shares the answer."""
        if self._looking is None:
            if time.monotonic() - self._looked_at_s < _FRESH_S:
                return
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)

    def collect(self) -> Iterable[Metric]:
        """Yield what was seen."""
        yield shown(listed.REACHABLE, {(part,): 0 if trouble else 1 for part, trouble in self.troubles.items()})
        if self._bounds is not None:
            yield _by_partition(listed.LOG_END, {partition: bounds.end for partition, bounds in self._bounds.items()})
        if self._stored is not None:
            yield _by_partition(listed.STORED_OFFSET, self._stored.marks)
        if self._tails is not None and self._stored is not None:
            yield from _lag_metrics(self._tails, self._stored)

    def _looked(self, task: "asyncio.Task[None]") -> None:
        self._looking = None
        self._looked_at_s = time.monotonic()

    async def _look(self) -> None:
        # The log is read when the store has answered: what is stored meanwhile counts as waiting.
        workers = asyncio.create_task(self._workers_question.answer())
        self._stored, store_trouble = await self._stored_question.answer()
        self._bounds, log_trouble = await self._bounds_question.answer()
        self._tails = None
        if self._stored is not None and self._bounds is not None:
            self._tails, log_trouble = await self._tails_question.answer()
        _, processor_trouble = await workers
        self.troubles = {"log": log_trouble, "store": store_trouble, "processor": processor_trouble}

    async def _read_tails(self) -> Mapping[int, Tail]:
        if self._stored is None or self._bounds is None:
            raise AssertionError("neither store nor log was asked")
        return await asyncio.to_thread(read_tails, self._log, self._bounds, self._stored.marks, now_ms())

    async def _read_stored(self) -> Stored:
        return await read_stored(await self._store.store(), self._log.partitions)

    async def _count_workers(self) -> int:
        if not (workers := await asyncio.to_thread(self._log.consumers)):
            raise LogUnavailable("no processor is at work on the log")
        return workers


def _lag_metrics(tails: Mapping[int, Tail], stored: Stored) -> Iterator[Metric]:
    pending = all_tails(tails.values()).inputs
    places = {
        "accepted": stored.accepted + pending,
        "stored": stored.stored,
        "dead_lettered": stored.dead_lettered,
        "pending": pending,
    }
    yield shown(listed.INPUTS, {(place,): inputs for place, inputs in places.items()})
    yield _by_partition(listed.LAG_FRAMES, {number: tail.frames for number, tail in tails.items()})
    yield _by_partition(listed.LAG_INPUTS, {number: tail.inputs for number, tail in tails.items()})
    yield _by_partition(listed.LAG_SECONDS, {number: tail.age_ms / 1000 for number, tail in tails.items()})


def _by_partition(metric: GaugeMetric, values: Mapping[int, float]) -> Metric:
    return shown(metric, {(str(partition),): value for partition, value in sorted(values.items())})
