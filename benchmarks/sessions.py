"""How long the session control takes to list many live sessions, and to end a thousand of them in one call.

Over HTTP, through the whole pipeline; each number is the client's own: from its request to the reply's last byte.
Run it as `python -m benchmarks.sessions`.
"""

import argparse
import asyncio
import time

import httpx

from benchmarks.pipeline import PARTITIONS, Pipeline, throwaway_pipeline, wait_until_told
from benchmarks.restart import open_sessions
from ingest.control.authorization import signed_query
from roomstate.ports import free_port

_TOKEN = "benchmark"
_HOLDING = f"\nroomstate_processor_partitions {PARTITIONS}.0\n"
_TIMEOUT_S = 60.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions (default 100000)")
    parser.add_argument("--killed", type=int, default=1_000, help="sessions ended by each call (default 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is done (default 5)")
    chosen = parser.parse_args()
    with throwaway_pipeline(chosen.log) as pipeline:
        asyncio.run(_prepare(pipeline, chosen.sessions))
        processor_port, port = free_port(), free_port()
        pipeline.start_processor(processor_port)
        pipeline.start_ingest(port, ROOMSTATE_MANAGEMENT_TOKEN=_TOKEN)
        wait_until_told(f"http://127.0.0.1:{processor_port}/metrics", _HOLDING)
        wait_until_told(f"http://127.0.0.1:{port}/readyz", '"ready":true')
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_TIMEOUT_S) as client:
            _measure(client, chosen.rounds, chosen.killed)


async def _prepare(pipeline: Pipeline, sessions: int) -> None:
    await pipeline.start_store()
    await open_sessions(pipeline, sessions)


def _measure(client: httpx.Client, rounds: int, killed: int) -> None:
    query = signed_query("43", _TOKEN)
    for _ in range(rounds):
        begun_s = time.monotonic()
        reply = client.get(f"/manage/sessions?{query}").raise_for_status()
        took_s = time.monotonic() - begun_s
        listed = reply.json()
        print(f"list: {len(listed)} sessions, {len(reply.content) / 1e6:.1f} MB in {took_s:.2f} s")
        ids = [session["id"] for session in listed[:: max(len(listed) // killed, 1)]][:killed]
        begun_s = time.monotonic()
        told = client.post(f"/manage/sessions/delete?{query}", json=ids).raise_for_status().json()
        print(f"kill: {len(ids)} sessions in {time.monotonic() - begun_s:.2f} s, {told['status']}")


if __name__ == "__main__":
    main()
