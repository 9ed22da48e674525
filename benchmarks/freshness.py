"""How fresh the store is: from received to inserted, at steady rates of inputs.

Starts an embedded store and one processor on a log of either engine, appends statuses to the log at each rate, a few
milliseconds' worth at a time as ingest's group commit does, and gives percentiles of `inserted_at - received_at` as the
store has them. Run it as `python -m benchmarks.freshness`.
"""

import argparse
import asyncio
import time
from functools import partial

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import (
    Pipeline,
    Traffic,
    cpu_seconds,
    memory_bytes,
    received_now,
    throwaway_pipeline,
    wait_until_stored,
)
from benchmarks.results import Figures
from storage.store import Store

_TICK_S = 0.005
_BAR_RATE = 5_000
_LATENCIES = """
SELECT quantiles(0.5, 0.95, 0.99, 1)(toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at)),
    count(), uniqExact(judged_at)
FROM room_events WHERE fact_index = 0 AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
"""


def main() -> None:
    """Measure and print."""
    with measuring("freshness", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        seconds = chosen.seconds or run.scaled(20, 3)
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            asyncio.run(pipeline.start_store())
            processor = pipeline.start_processor()
            asyncio.run(pipeline.wait_for_processors(1))
            steady = Steady(pipeline, processor.pid, Traffic(chosen.rooms))
            run.compare({f"{rate} inputs/s": partial(steady.once, rate, seconds) for rate in chosen.rates})
        _say_what_holds(run)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--rates", type=int, nargs="+", default=[1000, 5000, 10_000], help="statuses per second")
    options.add_argument("--seconds", type=float, help="for how long at a time (default 20; short 3)")
    options.add_argument("--rooms", type=int, default=500, help="rooms that they are spread over (default 500)")
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    return options


def _say_what_holds(run: Run) -> None:
    if _BAR_RATE in run.options.rates:
        p99 = run.results.summary(f"{_BAR_RATE} inputs/s", "p99, ms").median
        run.bar("freshness at 5,000 inputs/s, p99", p99, "ms", must=250, reach=120, is_less_better=True)
    run.not_measured("the HTTP edge: a status is received when it is appended here, as ingest does just before it")


class Steady:
    """Statuses at a rate on one pipeline, time and again."""

    def __init__(self, pipeline: Pipeline, processor_id: int, traffic: Traffic) -> None:
        self._pipeline = pipeline
        self._processes = {"processor": processor_id, "store": pipeline.store_pid}
        self._traffic = traffic
        self._appended = 0

    def once(self, rate: int, seconds: float) -> Figures:
        """Append at the rate for so long; return how late the statuses were in the store."""
        return asyncio.run(self._measured(rate, seconds))

    async def _measured(self, rate: int, seconds: float) -> Figures:
        async with await Store.connect(self._pipeline.settings.store_engine_url()) as store:
            since_ms, begun_s = received_now(), time.monotonic()
            before = {name: cpu_seconds(process_id) for name, process_id in self._processes.items()}
            await self._append_steadily(rate, seconds)
            await wait_until_stored(store, self._appended)
            took_s = time.monotonic() - begun_s
            used = {name: cpu_seconds(process_id) - before[name] for name, process_id in self._processes.items()}
            quantiles, inputs, inserts = (await store.rows(_LATENCIES, {"since_ms": since_ms}))[0]
        return {
            **{f"{name}, ms": value for name, value in zip(("p50", "p95", "p99", "latest"), quantiles, strict=True)},
            "inputs per second that came": inputs / seconds,
            "inserts per second": inserts / took_s,
            **{f"share of a core, {name}, %": 100 * used_s / took_s for name, used_s in used.items()},
            **{f"memory, {name}, MiB": memory_bytes(number) / (1 << 20) for name, number in self._processes.items()},
        }

    async def _append_steadily(self, rate: int, seconds: float) -> None:
        """Append at the rate for the time; what a slow append missed is made up for."""
        start_s = time.monotonic()
        appended = 0
        while (elapsed_s := time.monotonic() - start_s) < seconds:
            due = int(elapsed_s * rate) - appended
            if due:
                items = [self._traffic.next_status(received_now()) for _ in range(due)]
                await asyncio.to_thread(self._pipeline.append, items)
                appended += due
            await asyncio.sleep(_TICK_S)
        self._appended += appended


if __name__ == "__main__":
    main()
