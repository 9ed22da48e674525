"""How fast `roomstate verify` compares a log with the store, and how much memory that takes.

Fills a log of either engine, lets a processor store it, and compares both as the command does, in this process. Run it
as `python -m benchmarks.verify`.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterator

from benchmarks.pipeline import (
    PARTITIONS,
    Pipeline,
    Traffic,
    cpu_seconds,
    memory_bytes,
    received_now,
    throwaway_pipeline,
)
from roomstate.verification.verify import verify
from storage.event_log import Frame
from storage.store import Store

_TIMEOUT_S = 900.0
_APPEND_S = 30.0
_MIB = 1024 * 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="statuses in the log (default 1000000)")
    parser.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    parser.add_argument("--rounds", type=int, default=3, help="how often they are compared (default 3)")
    chosen = parser.parse_args()
    with throwaway_pipeline(chosen.log) as pipeline:
        asyncio.run(_measure(pipeline, chosen))


async def _measure(pipeline: Pipeline, chosen: argparse.Namespace) -> None:
    store_id = await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        processor = pipeline.start_processor()
        for frames in _batches(pipeline, chosen.inputs, chosen.frame):
            await asyncio.to_thread(pipeline.log.append, frames, _APPEND_S)
        await _wait_until_stored(store, chosen.inputs)
        pipeline.end(processor)
        for _ in range(chosen.rounds):
            await _verify_once(pipeline, store, store_id)


def _batches(pipeline: Pipeline, inputs: int, frame: int) -> Iterator[list[Frame]]:
    traffic = Traffic(5000)
    received_at_ms = received_now()
    batch = frame * PARTITIONS
    for start in range(0, inputs, batch):
        yield pipeline.frames_of([traffic.next_status(received_at_ms) for _ in range(min(batch, inputs - start))])


async def _wait_until_stored(store: Store, inputs: int) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while (await store.rows("SELECT sum(stored) FROM accounting"))[0][0] < inputs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not stored after {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.2)


async def _verify_once(pipeline: Pipeline, store: Store, store_id: int) -> None:
    processes = {
        "verify": os.getpid(),
        "store": store_id,
        **({"broker": pipeline.broker.pid} if pipeline.broker else {}),
    }
    before = {name: cpu_seconds(process_id) for name, process_id in processes.items()}
    started_s = time.monotonic()
    found = await verify(pipeline.log, store)
    wall_s = time.monotonic() - started_s
    used = {name: cpu_seconds(process_id) - before[name] for name, process_id in processes.items()}
    if not found.is_equal:
        raise RuntimeError(f"log and store differ: {found.totals}")
    shares = ", ".join(f"{name} {cpu_s:.2f}" for name, cpu_s in used.items())
    print(
        f"{found.equal} inputs equal in {wall_s:.2f} s: {found.equal / wall_s:.0f} a second,"
        f" {found.equal / sum(used.values()):.0f} a CPU second of all together ({shares});"
        f" {memory_bytes(os.getpid()) / _MIB:.0f} MiB in this process"
    )


if __name__ == "__main__":
    main()
