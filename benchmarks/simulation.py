"""What an evening of thousands of sessions at once costs its simulator: one process, real HTTP, a pipeline behind it.

Starts an embedded store, a processor, ingest and `roomstate simulate` in real time, waits until the evening is in full
swing, and tells how many sessions are live, what came in, and the share of one core that each process took meanwhile.
Run it as `python -m benchmarks.simulation`.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import Pipeline, cpu_seconds, memory_bytes, throwaway_pipeline, wait_until_ready
from benchmarks.results import Figures
from roomstate.ports import free_port
from roomstate.running.parent_death import end_with_starter
from storage.store import Store

_LIVE = "SELECT count() FROM live_sessions"
_INPUTS = "SELECT count() FROM room_events WHERE fact_index = 0"


def main() -> None:
    """Measure and print."""
    with measuring("simulation", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        chosen.warm_up = chosen.warm_up or run.scaled(150, 20)
        chosen.seconds = chosen.seconds or run.scaled(30, 4)
        with throwaway_pipeline(store_port=chosen.port) as pipeline:
            asyncio.run(_measure(pipeline, run))


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--rate", type=float, default=1200.0, help="calls that begin in a minute (default 1200)")
    options.add_argument("--talk", type=float, default=60.0, help="median length of a talk in seconds (default 60)")
    options.add_argument("--warm-up", type=float, help="seconds before it is measured (default 150; short 20)")
    options.add_argument("--seconds", type=float, help="for how long it is measured at a time (default 30; short 4)")
    return options


async def _measure(pipeline: Pipeline, run: Run) -> None:
    chosen, port = run.options, free_port()
    store_id = await pipeline.start_store()
    processor, ingest = pipeline.start_processor(), pipeline.start_ingest(port)
    await pipeline.wait_for_processors(1)
    await wait_until_ready(port)
    simulator = _started(port, chosen)
    parts = {"simulator": simulator.pid, "ingest": ingest.pid, "processor": processor.pid, "store": store_id}
    side = f"{chosen.rate:g} calls a minute"
    run.results.plan([side], run.repetitions)
    try:
        async with await Store.connect(pipeline.settings.store_engine_url()) as store:
            run.progress(f"{chosen.warm_up:g} s until the evening is in full swing")
            await asyncio.sleep(chosen.warm_up)
            for number in range(run.repetitions):
                run.progress(f"repetition {number + 1} of {run.repetitions}")
                run.record(side, await _measured(store, parts, chosen.seconds))
    finally:
        simulator.terminate()
        simulator.communicate(timeout=60)


async def _measured(store: Store, parts: Mapping[str, int], seconds: float) -> Figures:
    before = {name: cpu_seconds(number) for name, number in parts.items()}
    inputs_before, begun_s = (await store.rows(_INPUTS))[0][0], time.monotonic()
    live = (await store.rows(_LIVE))[0][0]
    await asyncio.sleep(seconds)
    took_s, inputs = time.monotonic() - begun_s, (await store.rows(_INPUTS))[0][0] - inputs_before
    used = {name: cpu_seconds(number) - before[name] for name, number in parts.items()}
    return {
        "sessions live": live,
        "inputs per second": inputs / took_s,
        **{f"share of a core, {name}, %": 100 * used_s / took_s for name, used_s in used.items()},
        "memory of the simulator, MiB": memory_bytes(parts["simulator"]) / (1 << 20),
    }


def _started(port: int, chosen: argparse.Namespace) -> "subprocess.Popen[str]":
    arguments = ["simulate", "--calls", "0", "--rate", f"{chosen.rate:g}", "--talk", f"{chosen.talk:g}", "--seed", "a"]
    arguments += ["--url", f"http://127.0.0.1:{port}", "--api-token", "benchmark"]
    command = [sys.executable, "-m", "roomstate", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
    )


if __name__ == "__main__":
    main()
