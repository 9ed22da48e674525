"""How fast `roomstate verify` compares a log with the store, and how much memory that takes.

Fills a log of either engine, lets a processor store it, and compares both as the command does, in this process. Run it
as `python -m benchmarks.verify`.
"""

import argparse
import asyncio
import os
import time

from benchmarks.drain import frames_of
from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import (
    Pipeline,
    Traffic,
    cpu_seconds,
    memory_bytes,
    throwaway_pipeline,
    wait_until_stored,
)
from benchmarks.results import Figures
from roomstate.verification.verify import verify
from storage.store import Store

_APPEND_S = 30.0
_ROOMS = 5_000
_MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    with measuring("verify", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        chosen.inputs = chosen.inputs or run.scaled(1_000_000, 50_000)
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            run.progress("logging and storing the statuses")
            asyncio.run(_prepare(pipeline, run))
            run.compare({f"on {chosen.log}": lambda: asyncio.run(_verify_once(pipeline))})


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    options.add_argument("--inputs", type=int, help="statuses in the log (default 1000000; short 50000)")
    options.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    return options


async def _prepare(pipeline: Pipeline, run: Run) -> None:
    await pipeline.start_store()
    processor = pipeline.start_processor()
    for frame in frames_of(pipeline, run.options.inputs, run.options.frame, Traffic(_ROOMS)):
        await asyncio.to_thread(pipeline.log.append, [frame], _APPEND_S)
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        await wait_until_stored(store, run.options.inputs)
    pipeline.end(processor)


async def _verify_once(pipeline: Pipeline) -> Figures:
    processes = {"this process": os.getpid(), "the store": pipeline.store_pid}
    if pipeline.broker is not None:
        processes["the broker"] = pipeline.broker.pid
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        before = {name: cpu_seconds(process_id) for name, process_id in processes.items()}
        started_s = time.monotonic()
        found = await verify(pipeline.log, store)
        wall_s = time.monotonic() - started_s
    used = {name: cpu_seconds(process_id) - before[name] for name, process_id in processes.items()}
    if not found.is_equal:
        raise RuntimeError(f"log and store differ: {found.totals}")
    return {
        "inputs per second": found.equal / wall_s,
        "inputs per CPU second of all together": found.equal / sum(used.values()),
        **{f"CPU seconds of {name}": cpu_s for name, cpu_s in used.items()},
        "memory of this process, MiB": memory_bytes(os.getpid()) / _MIB,
    }


if __name__ == "__main__":
    main()
