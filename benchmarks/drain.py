"""How fast a processor drains a log that is full: log to store, judged, exactly once.

Fills a log with statuses in frames, starts an embedded store and one processor, waits until everything is stored, and
prints inputs per second of wall time and per second of the processor's own CPU time, with and without its start.
Run it as `python -m benchmarks.drain`.
"""

import argparse
import asyncio
import time

from benchmarks.embedded_pipeline import EmbeddedPipeline, Traffic, cpu_seconds, embedded_pipeline, received_now
from storage.store import Store

_TIMEOUT_S = 600.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="statuses in the log (default 1000000)")
    parser.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    parser.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    chosen = parser.parse_args()
    with embedded_pipeline() as pipeline:
        _fill(pipeline, chosen.inputs, chosen.frame, Traffic(chosen.rooms))
        asyncio.run(_drain(pipeline, chosen.inputs))


def _fill(pipeline: EmbeddedPipeline, inputs: int, frame: int, traffic: Traffic) -> None:
    batch = frame * pipeline.log.partitions
    received_at_ms = received_now()
    for start in range(0, inputs, batch):
        pipeline.append([traffic.next_status(received_at_ms) for _ in range(min(batch, inputs - start))])


async def _drain(pipeline: EmbeddedPipeline, inputs: int) -> None:
    await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        process_id = pipeline.start_processor()
        start_s, start_cpu_s = await _first_stored(store, process_id)
        before = await _stored(store)
        while (done := await _stored(store)) < inputs:
            if time.monotonic() - start_s > _TIMEOUT_S:
                raise TimeoutError(f"{done} of {inputs} inputs stored after {_TIMEOUT_S:g} s")
            await asyncio.sleep(0.1)
        wall_s, cpu_s = time.monotonic() - start_s, cpu_seconds(process_id)
        inserts = (await store.rows("SELECT uniqExact(judged_at) FROM room_events"))[0][0]
    measured = inputs - before
    print(f"{inputs} inputs stored in {inserts} inserts")
    print(f"per wall second           {measured / wall_s:10.0f}")
    print(f"per CPU second            {measured / (cpu_s - start_cpu_s):10.0f}")
    print(f"per CPU second with start {inputs / cpu_s:10.0f}")


async def _first_stored(store: Store, process_id: int) -> tuple[float, float]:
    """Wait until the first block is stored: Python and Faust have started then."""
    while not await _stored(store):
        await asyncio.sleep(0.01)
    return time.monotonic(), cpu_seconds(process_id)


async def _stored(store: Store) -> int:
    return int((await store.rows("SELECT sum(stored) + sum(dead_lettered) FROM accounting"))[0][0])


if __name__ == "__main__":
    main()
