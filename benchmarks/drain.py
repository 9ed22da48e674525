"""How fast processors drain a log: log to store, judged, exactly once.

Starts an embedded store and processors on a log of either engine, appends statuses in frames as fast as the log takes
them, waits until everything is stored, and prints inputs per second of wall time and per second of the processors' own
CPU time, and what CPU time the others took: on a machine with few cores they compete. With `--core-share` each
processor is stopped for a part of each hundredth of a second, as if its core were slower, so that what several of them
gain can be seen where the cores do not suffice for all. Run it as `python -m benchmarks.drain`.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence

from benchmarks.pipeline import PARTITIONS, Pipeline, Traffic, cpu_seconds, received_now, throwaway_pipeline
from storage.event_log import Frame
from storage.store import Store

_TIMEOUT_S = 900.0
_APPEND_FRAMES = 200
_APPEND_S = 30.0
_PERIOD_S = 0.01


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    parser.add_argument("--processors", type=int, default=1, help="how many; more than one only on Kafka (default 1)")
    parser.add_argument("--inputs", type=int, default=500_000, help="statuses in the log (default 500000)")
    parser.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    parser.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    parser.add_argument("--core-share", type=float, default=1.0, help="how much of a core each may use (default 1)")
    chosen = parser.parse_args()
    with throwaway_pipeline(chosen.log) as pipeline:
        frames = list(_frames(pipeline, chosen.inputs, chosen.frame, Traffic(chosen.rooms)))
        asyncio.run(_drain(pipeline, frames, chosen))


def _frames(pipeline: Pipeline, inputs: int, frame: int, traffic: Traffic) -> Iterator[Frame]:
    """Yield the frames of so many statuses, made before the clock starts."""
    batch = frame * PARTITIONS
    received_at_ms = received_now()
    for start in range(0, inputs, batch):
        yield from pipeline.frames_of([traffic.next_status(received_at_ms) for _ in range(min(batch, inputs - start))])


async def _drain(pipeline: Pipeline, frames: Sequence[Frame], chosen: argparse.Namespace) -> None:
    inputs, processors = chosen.inputs, chosen.processors
    store_id = await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        started = [pipeline.start_processor() for _ in range(processors)]
        await pipeline.wait_for_processors(processors)
        await asyncio.sleep(2.0)  # everybody has taken over by then
        workers = [process.pid for process in started]
        others = {"store": store_id, **({"broker": pipeline.broker.pid} if pipeline.broker else {})}
        before = {process_id: cpu_seconds(process_id) for process_id in (*workers, *others.values())}
        start_s = time.monotonic()
        with slowed(workers, chosen.core_share):
            await asyncio.to_thread(_append, pipeline, frames)
            appended_s = time.monotonic() - start_s
            await _wait_until_stored(store, inputs)
            wall_s = time.monotonic() - start_s
        used = {process_id: cpu_seconds(process_id) - before[process_id] for process_id in before}
        inserts = (await store.rows("SELECT uniqExact(judged_at) FROM room_events"))[0][0]
    cpu_s = sum(used[process_id] for process_id in workers)
    print(f"{inputs} inputs in {len(frames)} frames, appended in {appended_s:.1f} s, stored in {inserts} inserts")
    print(f"per wall second           {inputs / wall_s:10.0f}")
    print(f"per processors' CPU second{inputs / cpu_s:10.0f}")
    shares = {"processors": cpu_s, **{name: used[process_id] for name, process_id in others.items()}}
    print(f"CPU seconds in {wall_s:.1f} s: " + ", ".join(f"{name} {taken:.1f}" for name, taken in shares.items()))


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


def _append(pipeline: Pipeline, frames: Sequence[Frame]) -> None:
    for start in range(0, len(frames), _APPEND_FRAMES):
        pipeline.log.append(frames[start : start + _APPEND_FRAMES], _APPEND_S)


async def _wait_until_stored(store: Store, inputs: int) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while (done := (await store.rows("SELECT sum(stored) + sum(dead_lettered) FROM accounting"))[0][0]) < inputs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done} of {inputs} inputs stored after {_TIMEOUT_S:g} s")
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
