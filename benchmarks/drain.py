"""How fast processors drain a log: log to store, judged, exactly once; and what more processors gain.

Starts an embedded store and processors on a log of either engine, appends statuses in frames as fast as the log takes
them, and waits until everything is stored. The figures are inputs per second of the processors' own CPU time and by the
clock, and what CPU time the others took: on a machine with few cores they compete. With `--core-share` each processor
is stopped for a part of each hundredth of a second, as if its core were slower, so that what several of them gain can
be seen where the cores do not suffice for all. Run it as `python -m benchmarks.drain`.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import (
    PARTITIONS,
    Pipeline,
    Traffic,
    cpu_seconds,
    memory_bytes,
    received_now,
    throwaway_pipeline,
    wait_until_stored,
)
from benchmarks.results import Figures
from storage.event_log import Frame
from storage.store import Store

_APPEND_FRAMES = 200
_APPEND_S = 30.0
_PERIOD_S = 0.01
_SETTLE_S = 2.0
LEASE_S = 86_400
"""Longer than any run: the same statuses come again and again, and nobody is to expire meanwhile."""


def main() -> None:
    """Measure and print."""
    with measuring("drain", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            draining = Draining(pipeline, run)
            asyncio.run(pipeline.start_store())
            run.compare(
                {f"{count} processors": partial(draining.once, count) for count in chosen.processors},
                to=f"{chosen.processors[0]} processors",
            )
        if chosen.log == "sqlite":
            run.not_measured("several processors: a log in a file has one")
        run.not_measured("a store on other machines; log, store and processors share these cores")


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="kafka", help="engine of the log")
    options.add_argument(
        "--processors", type=int, nargs="+", default=[1], help="how many; more than one only on Kafka (default 1)"
    )
    options.add_argument("--inputs", type=int, help="statuses of a repetition (default 500000; short 60000)")
    options.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    options.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    options.add_argument("--core-share", type=float, default=1.0, help="how much of a core each may use (default 1)")
    return options


def frames_of(pipeline: Pipeline, inputs: int, frame: int, traffic: Traffic) -> Iterator[Frame]:
    """Yield the frames of so many statuses."""
    batch = frame * PARTITIONS
    received_at_ms = received_now()
    for start in range(0, inputs, batch):
        yield from pipeline.frames_of([traffic.next_status(received_at_ms) for _ in range(min(batch, inputs - start))])


class Draining:
    """The same statuses, appended and stored again and again on one pipeline."""

    def __init__(self, pipeline: Pipeline, run: Run) -> None:
        self._pipeline = pipeline
        self._inputs = run.options.inputs or run.scaled(500_000, 60_000)
        self._core_share = run.options.core_share
        self.frames: Sequence[Frame] = list(
            frames_of(pipeline, self._inputs, run.options.frame, Traffic(run.options.rooms))
        )
        self._appended = 0

    def once(self, processors: int) -> Figures:
        """Start so many processors, let them drain everything, and end them again."""
        pipeline = self._pipeline
        started = [pipeline.start_processor(ROOMSTATE_PARTICIPANT_TTL_S=str(LEASE_S)) for _ in range(processors)]
        try:
            return asyncio.run(self._drained([process.pid for process in started]))
        finally:
            for process in started:
                pipeline.end(process)

    async def _drained(self, workers: Sequence[int]) -> Figures:
        pipeline = self._pipeline
        others = {"store": pipeline.store_pid, **({"broker": pipeline.broker.pid} if pipeline.broker else {})}
        async with await Store.connect(pipeline.settings.store_engine_url()) as store:
            await pipeline.wait_for_processors(len(workers))
            await asyncio.sleep(_SETTLE_S)  # everybody has taken over by then
            before = {process_id: cpu_seconds(process_id) for process_id in (*workers, *others.values())}
            start_s = time.monotonic()
            with slowed(workers, self._core_share):
                await asyncio.to_thread(self._append)
                await wait_until_stored(store, self._appended)
            wall_s = time.monotonic() - start_s
        used = {process_id: cpu_seconds(process_id) - before[process_id] for process_id in before}
        return {
            "inputs per CPU second of the processors": self._inputs / sum(used[process_id] for process_id in workers),
            "inputs per second": self._inputs / wall_s,
            **{f"CPU seconds of the {name}": used[process_id] for name, process_id in others.items()},
            "memory of each processor, MiB": max(map(memory_bytes, workers)) / (1 << 20),
        }

    def _append(self) -> None:
        for start in range(0, len(self.frames), _APPEND_FRAMES):
            self._pipeline.log.append(self.frames[start : start + _APPEND_FRAMES], _APPEND_S)
        self._appended += self._inputs


@contextlib.contextmanager
def slowed(process_ids: Sequence[int], core_share: float) -> Iterator[None]:
    """Let each process run for no more than that share of the time, one after the other as far as that goes."""
    over = threading.Event()

    def alternate(process_id: int, begin_s: float) -> None:
        time.sleep(begin_s)
        while not over.wait(_PERIOD_S * core_share):
            os.kill(process_id, signal.SIGSTOP)
            time.sleep(_PERIOD_S * (1 - core_share))
            os.kill(process_id, signal.SIGCONT)

    threads = [
        threading.Thread(target=alternate, args=(process_id, _PERIOD_S * number / len(process_ids)))
        for number, process_id in enumerate(process_ids)
        if core_share < 1
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
