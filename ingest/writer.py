"""Group commit: the one way from ingest into the log.

While a write is in flight, lines collect; when it ends, everything collected goes out as the next one, and then
everybody who waited for it is answered. There is no timer: an idle system writes at once, a busy one batches by
itself. One thread writes, so the event loop never blocks on the disk.

Promises: a waiter who is told True has a durable line; one who is told False (or got no place at all) has none and
never will, because a batch whose oldest line waited as long as the log may take is not written any more, and the log
itself gives up at that same moment. Only where the log itself does not know (`LogInDoubt`) may it have the line all the
same. While the log is known to be away nothing is taken (ingest/log_gate.py). Source: design section 3.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ingest.log_gate import LogGate
from ingest.metrics import Metrics
from storage.event_log import INPUTS_TOPIC, EventLog, Frame, LogInDoubt, LogUnavailable
from storage.frames import pack_frames

_LOG = logging.getLogger(__name__)
_END_S: Final = 1.0
"""How long the end waits for a look at a log that is away."""


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How much may wait for the log, what is being written included."""

    lines: int = 200_000
    size_bytes: int = 64 * 1024 * 1024


class Durable(asyncio.Future[bool]):
    """What everybody of one batch awaits; a waiter who is cancelled does not cancel it for the others."""

    is_taken = True
    """False: nothing was taken, the queue is full or the log is away."""
    is_in_doubt = False
    """Whether, of a batch that is not known to be durable, something may be in the log."""

    def cancel(self, msg: object | None = None) -> bool:
        """Refuse: the batch is written whether or not one of its waiters still listens."""
        return False


class _Batch:
    """The lines of one write, by partition."""

    __slots__ = ("deadline_s", "durable", "lines", "lines_total", "size_bytes")

    def __init__(self, durable: Durable, deadline_s: float) -> None:
        self.durable = durable
        self.deadline_s = deadline_s
        self.lines: dict[int, list[bytes]] = {}
        self.lines_total = 0
        self.size_bytes = 0

    def frames(self) -> list[Frame]:
        """Return the lines as frames, each partition's in the order in which they came."""
        return [
            Frame(INPUTS_TOPIC, partition, value, count)
            for partition, lines in self.lines.items()
            for value, count in pack_frames(lines)
        ]


class _Outcome(NamedTuple):
    """How a write went."""

    is_durable: bool
    trouble: str = ""
    """What the log said; empty = it was not asked, or it is not to blame."""
    is_in_doubt: bool = False


class FrameWriter:
    """Writes lines to the inputs topic; all methods are called on the event loop that `start` ran on.

    Units: `timeout_s` is how long a line may wait for its durability, in seconds.
    """

    def __init__(self, log: EventLog, timeout_s: float, metrics: Metrics, limits: WriterLimits | None = None) -> None:
        self._log = log
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._limits = limits or WriterLimits()
        self._gate = LogGate(metrics)
        self._to_do: queue.SimpleQueue[_Batch | float | None] = queue.SimpleQueue()
        """A batch to write, seconds after which to look whether the log is back, or None: the end."""
        self._collecting: _Batch | None = None
        self._in_flight: _Batch | None = None
        self._is_dispatching = False
        self._is_closed = True
        self._lines = 0
        self._size_bytes = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)

    def start(self) -> None:
        """Begin to take lines."""
        self._loop = asyncio.get_running_loop()
        self._refused = Durable(loop=self._loop)
        self._refused.is_taken = False
        self._refused.set_result(False)
        self._thread.start()
        self._is_closed = False

    @property
    def waiting(self) -> tuple[int, int]:
        """Lines and bytes that are not yet answered for."""
        return self._lines, self._size_bytes

    @property
    def trouble(self) -> str:
        """Why the log takes nothing now; empty = it does."""
        return self._gate.trouble

    def add(self, partition: int, line: bytes) -> Durable:
        """Take one line; await the result: True = durable."""
        size_bytes = len(line)
        if (
            self._lines >= self._limits.lines
            or self._size_bytes + size_bytes > self._limits.size_bytes
            or self._is_closed
            or not self._gate.is_passable
        ):
            self._metrics.queue_refusals.inc()
            return self._refused
        batch = self._collecting or self._begin()
        lines = batch.lines.get(partition)
        if lines is None:
            batch.lines[partition] = [line]
        else:
            lines.append(line)
        batch.lines_total += 1
        batch.size_bytes += size_bytes
        self._lines += 1
        self._size_bytes += size_bytes
        return batch.durable

    def add_all(self, lines: Sequence[tuple[int, bytes]]) -> Durable:
        """Take all `(partition, line)` or none of them; they share one write and one answer."""
        size_bytes = sum(len(line) for _, line in lines)
        if (
            self._lines + len(lines) > self._limits.lines
            or self._size_bytes + size_bytes > self._limits.size_bytes
            or self._is_closed
            or not self._gate.is_passable
        ):
            self._metrics.queue_refusals.inc()
            return self._refused
        batch = self._collecting or self._begin()
        for partition, line in lines:
            batch.lines.setdefault(partition, []).append(line)
        batch.lines_total += len(lines)
        batch.size_bytes += size_bytes
        self._lines += len(lines)
        self._size_bytes += size_bytes
        return batch.durable

    async def close(self) -> None:
        """Take nothing more, write what was taken, and return when all of it has been answered for."""
        if self._is_closed:
            return
        self._is_closed = True
        while (batch := self._collecting or self._in_flight) is not None:
            await batch.durable
        self._closing.set()
        self._to_do.put(None)
        await asyncio.to_thread(self._thread.join, _END_S if self._gate.trouble else None)

    def _begin(self) -> _Batch:
        batch = self._collecting = _Batch(Durable(loop=self._loop), time.monotonic() + self._timeout_s)
        if self._in_flight is None and not self._is_dispatching:
            self._dispatch_soon()
        return batch

    def _dispatch_soon(self) -> None:
        self._is_dispatching = True
        # Not at once: what the other requests of this turn of the loop bring goes along.
        self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        batch = self._in_flight = self._collecting
        self._collecting = None
        self._is_dispatching = False
        self._gate.sent()
        self._to_do.put(batch)

    def _work(self) -> None:
        while (task := self._to_do.get()) is not None:
            if isinstance(task, float):
                self._look(task)
                continue
            begun_s = time.monotonic()
            outcome = self._write(task, begun_s)
            self._loop.call_soon_threadsafe(self._finish, task, outcome, time.monotonic() - begun_s)

    def _write(self, batch: _Batch, begun_s: float) -> _Outcome:
        left_s = batch.deadline_s - begun_s
        if left_s <= 0:
            return _Outcome(is_durable=False)
        try:
            frames = batch.frames()
            for frame in frames:
                self._metrics.frame_bytes.observe(len(frame.value))
            self._log.append(frames, left_s)
        except LogUnavailable as error:
            return _Outcome(is_durable=False, trouble=str(error), is_in_doubt=isinstance(error, LogInDoubt))
        except Exception:
            # A defect must not leave everybody waiting for ever; they are told that nothing is promised.
            _LOG.exception("writing %d inputs failed", batch.lines_total)
            return _Outcome(is_durable=False)
        return _Outcome(is_durable=True)

    def _look(self, pause_s: float) -> None:
        """Look until the log can be read again."""
        looks = 0
        while not self._closing.wait(pause_s):
            try:
                self._log.bounds(INPUTS_TOPIC)
            except LogUnavailable as error:
                _LOG.debug("the log is still away: %s", error)
                pause_s = self._gate.pause_s(looks)
                looks += 1
                continue
            self._loop.call_soon_threadsafe(self._gate.may_be_back)
            return

    def _finish(self, batch: _Batch, outcome: _Outcome, took_s: float) -> None:
        self._metrics.append_seconds.observe(took_s)
        self._metrics.batch_inputs.observe(batch.lines_total)
        self._in_flight = None
        if outcome.is_durable:
            self._gate.succeeded()
        elif outcome.trouble:
            self._to_do.put(self._gate.failed(outcome.trouble))
        else:
            self._gate.undecided()
        self._answer(batch, outcome)
        if self._collecting is not None:
            if self._gate.is_passable:
                self._dispatch_soon()
            else:
                batch, self._collecting = self._collecting, None
                self._answer(batch, _Outcome(is_durable=False))

    def _answer(self, batch: _Batch, outcome: _Outcome) -> None:
        """Tell everybody of the batch how it went."""
        self._lines -= batch.lines_total
        self._size_bytes -= batch.size_bytes
        metrics = self._metrics
        metrics.durable_wait_seconds.observe(time.monotonic() - batch.deadline_s + self._timeout_s)
        if outcome.is_durable:
            metrics.inputs_accepted.inc(batch.lines_total)
        elif outcome.is_in_doubt:
            metrics.inputs_in_doubt.inc(batch.lines_total)
        else:
            metrics.inputs_not_written.inc(batch.lines_total)
        batch.durable.is_in_doubt = outcome.is_in_doubt
        batch.durable.set_result(outcome.is_durable)
