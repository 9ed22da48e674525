"""What an evening of thousands of sessions at once costs its simulator: one process, real HTTP, a pipeline behind it.

Starts an embedded store, a processor, ingest and `roomstate simulate` in real time, waits until the evening is in full
swing, and prints how many sessions are live, what came in, and the share of one core that each process took meanwhile.
Run it as `python -m benchmarks.simulation`.
"""

import argparse
import asyncio
import subprocess
import sys
import time
import urllib.request

from benchmarks.pipeline import Pipeline, cpu_seconds, memory_bytes, throwaway_pipeline
from roomstate.ports import free_port
from storage.store import Store

_START_S = 60.0
_LIVE = "SELECT room_kind::String, count() FROM live_sessions GROUP BY 1 ORDER BY 1"
_INPUTS = "SELECT count() FROM room_events WHERE fact_index = 0"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=1200.0, help="calls that begin in a minute (default 1200)")
    parser.add_argument("--talk", type=float, default=60.0, help="median length of a talk in seconds (default 60)")
    parser.add_argument("--warm-up", type=float, default=150.0, help="seconds before it is measured (default 150)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long it is measured (default 30)")
    with throwaway_pipeline() as pipeline:
        asyncio.run(_measure(pipeline, parser.parse_args()))


async def _measure(pipeline: Pipeline, chosen: argparse.Namespace) -> None:
    store_id, port = await pipeline.start_store(), free_port()
    processor, ingest = pipeline.start_processor(), pipeline.start_ingest(port)
    await pipeline.wait_for_processors(1)
    _wait_until_served(port)
    simulator = _started(port, chosen)
    try:
        async with await Store.connect(pipeline.settings.store_engine_url()) as store:
            await asyncio.sleep(chosen.warm_up)
            parts = {"simulator": simulator.pid, "ingest": ingest.pid, "processor": processor.pid, "store": store_id}
            before = {name: cpu_seconds(number) for name, number in parts.items()}
            inputs_before, begun_s = (await store.rows(_INPUTS))[0][0], time.monotonic()
            live = dict(await store.rows(_LIVE))
            await asyncio.sleep(chosen.seconds)
            took_s, inputs = time.monotonic() - begun_s, (await store.rows(_INPUTS))[0][0] - inputs_before
            used = {name: cpu_seconds(number) - before[name] for name, number in parts.items()}
            memory_mib = memory_bytes(simulator.pid) / 2**20
    finally:
        simulator.terminate()
        told = simulator.communicate(timeout=60)[0]
    by_kind = ", ".join(f"{number} {kind}" for kind, number in live.items())
    print(f"{sum(live.values())} sessions live ({by_kind}), {inputs / took_s:.0f} inputs/s")
    for name, used_s in used.items():
        print(f"{name:10}{100 * used_s / took_s:6.1f} % of a core")
    print(f"the simulator holds {memory_mib:.0f} MiB; it says: {told.strip()}")


def _started(port: int, chosen: argparse.Namespace) -> "subprocess.Popen[str]":
    arguments = ["simulate", "--calls", "0", "--rate", f"{chosen.rate:g}", "--talk", f"{chosen.talk:g}", "--seed", "a"]
    arguments += ["--url", f"http://127.0.0.1:{port}", "--api-token", "benchmark"]
    command = [sys.executable, "-m", "roomstate", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _wait_until_served(port: int) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("ingest did not start")


if __name__ == "__main__":
    main()
