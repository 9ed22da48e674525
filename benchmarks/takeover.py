"""How long a partition stands still when its processor is killed: from kill -9 until what came afterwards is stored.

Runs two processors on a Kafka log of its own, appends to every partition without a pause, kills one of them, and waits
until each partition has stored an input that was received after the kill. The group's session timeout has to pass
first; the figure is how much longer the slowest partition took. Run it as `python -m benchmarks.takeover`.
"""

import asyncio
import contextlib
import time

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import PARTITIONS, Pipeline, Traffic, received_now, throwaway_pipeline
from storage.store import Store

_SESSION_TIMEOUT_S = 6.0
_EVERY_S = 0.05
_TIMEOUT_S = 60.0
_STEADY_S = 3.0
_SIDE = f"beyond the session timeout of {_SESSION_TIMEOUT_S:g} s"
_STORED_SINCE = """
SELECT uniqExact(log_partition) FROM room_events
WHERE received_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')"""


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    with (
        measuring("takeover", options, needs_bytes=GIB) as run,
        throwaway_pipeline("kafka", run.options.port) as pipeline,
    ):
        asyncio.run(_measure(pipeline, run))


async def _measure(pipeline: Pipeline, run: Run) -> None:
    run.results.plan([_SIDE], run.repetitions)
    await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        appending = asyncio.create_task(_append_without_end(pipeline))
        try:
            workers = [pipeline.start_processor() for _ in range(2)]
            for number in range(run.repetitions):
                run.progress(f"kill {number + 1} of {run.repetitions}")
                await pipeline.wait_for_processors(2)
                await asyncio.sleep(_SESSION_TIMEOUT_S + _STEADY_S)  # by then the group has settled
                workers.pop(0).kill()
                seconds = await _stored_everywhere(store, received_now())
                run.record(_SIDE, {f"until all {PARTITIONS} partitions went on, s": seconds - _SESSION_TIMEOUT_S})
                workers.append(pipeline.start_processor())
        finally:
            appending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await appending


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
