"""How fresh the store is: from received to inserted, at a steady rate of inputs.

Starts an embedded store and one processor on a log of either engine, appends statuses to the log at the given rate, a
few milliseconds' worth at a time as ingest's group commit does, and prints percentiles of
`inserted_at - received_at` as the store has them. Run it as `python -m benchmarks.freshness`.
"""

import argparse
import asyncio
import time

from benchmarks.pipeline import Pipeline, Traffic, received_now, throwaway_pipeline
from storage.store import Store

_TICK_S = 0.005
_WARM_UP_S = 3.0
_TIMEOUT_S = 60.0
_LATENCIES = """
SELECT quantiles(0.5, 0.95, 0.99, 1)(toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at)),
    count(), uniqExact(judged_at)
FROM room_events WHERE fact_index = 0 AND received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="statuses per second (default 1000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long (default 20)")
    parser.add_argument("--rooms", type=int, default=500, help="rooms that they are spread over (default 500)")
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    chosen = parser.parse_args()
    with throwaway_pipeline(chosen.log) as pipeline:
        asyncio.run(_measure(pipeline, chosen.rate, chosen.seconds, Traffic(chosen.rooms)))


async def _measure(pipeline: Pipeline, rate: int, seconds: float, traffic: Traffic) -> None:
    await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        pipeline.start_processor()
        warm_up = await _append_steadily(pipeline, rate, _WARM_UP_S, traffic)
        await _wait_until_stored(store, warm_up)
        since_ms = received_now()
        appended = await _append_steadily(pipeline, rate, seconds, traffic)
        await _wait_until_stored(store, warm_up + appended)
        quantiles, inputs, inserts = (await store.rows(_LATENCIES, {"since_ms": since_ms}))[0]
    print(f"{inputs} inputs in {seconds:g} s ({inputs / seconds:.0f}/s), {inserts} inserts; received to inserted:")
    for name, latency_ms in zip(("p50", "p95", "p99", "max"), quantiles, strict=True):
        print(f"{name} {latency_ms:6.0f} ms")


async def _append_steadily(pipeline: Pipeline, rate: int, seconds: float, traffic: Traffic) -> int:
    """Append at the rate for the time and return how many; what a slow append missed is made up for."""
    start_s = time.monotonic()
    appended = 0
    while (elapsed_s := time.monotonic() - start_s) < seconds:
        due = int(elapsed_s * rate) - appended
        if due:
            items = [traffic.next_status(received_now()) for _ in range(due)]
            await asyncio.to_thread(pipeline.append, items)
            appended += due
        await asyncio.sleep(_TICK_S)
    return appended


async def _wait_until_stored(store: Store, inputs: int) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while (await store.rows("SELECT countIf(fact_index = 0) FROM room_events"))[0][0] < inputs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all of {inputs} inputs stored after {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
