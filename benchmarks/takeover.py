"""How long a partition stands still when its processor is killed: from kill -9 until what came afterwards is stored.

Runs two processors on a Kafka log of its own, appends to every partition without a pause, kills one of them, and waits
until each partition has stored an input that was received after the kill. The group's session timeout has to pass
first; what is printed is how much longer the slowest partition took. Run it as `python -m benchmarks.takeover`.
"""

import argparse
import asyncio
import statistics
import time

from benchmarks.pipeline import PARTITIONS, Pipeline, Traffic, received_now, throwaway_pipeline
from storage.store import Store

_SESSION_TIMEOUT_S = 6.0
_EVERY_S = 0.05
_TIMEOUT_S = 60.0
_STEADY_S = 3.0
_STORED_SINCE = """
SELECT uniqExact(log_partition) FROM room_events
WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=5, help="how often one is killed (default 5)")
    chosen = parser.parse_args()
    with throwaway_pipeline("kafka") as pipeline:
        asyncio.run(_measure(pipeline, chosen.kills))


async def _measure(pipeline: Pipeline, kills: int) -> None:
    await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        appending = asyncio.create_task(_append_without_end(pipeline))
        workers = [pipeline.start_processor() for _ in range(2)]
        beyond = []
        for number in range(kills):
            await pipeline.wait_for_processors(2)
            await asyncio.sleep(_SESSION_TIMEOUT_S + _STEADY_S)  # by then the group has settled
            doomed = workers.pop(0)
            doomed.kill()
            seconds = await _stored_everywhere(store, received_now())
            beyond.append(seconds - _SESSION_TIMEOUT_S)
            print(f"kill {number + 1}: {seconds:.2f} s until all {PARTITIONS} partitions went on", flush=True)
            workers.append(pipeline.start_processor())
        appending.cancel()
    print(
        f"beyond the session timeout of {_SESSION_TIMEOUT_S:g} s: median {statistics.median(beyond):.2f} s,"
        f" {min(beyond):.2f} to {max(beyond):.2f} s"
    )


async def _append_without_end(pipeline: Pipeline) -> None:
    traffic = Traffic(2_000)
    while True:
        received_at_ms = received_now()
        statuses = [traffic.next_status(received_at_ms) for _ in range(100)]
        await asyncio.to_thread(pipeline.append, statuses)
        await asyncio.sleep(_EVERY_S)


async def _stored_everywhere(store: Store, since_ms: int) -> float:
    """Return the seconds until every partition has stored something received since."""
    start_s = time.monotonic()
    while (await store.rows(_STORED_SINCE, {"since_ms": since_ms}))[0][0] < PARTITIONS:
        if time.monotonic() - start_s > _TIMEOUT_S:
            raise TimeoutError("a partition stood still")
        await asyncio.sleep(_EVERY_S)
    return time.monotonic() - start_s


if __name__ == "__main__":
    main()
