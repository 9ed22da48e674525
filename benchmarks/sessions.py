"""How long the session control takes to list many live sessions, and to end a thousand of them in one call.

Over HTTP, through the whole pipeline; each number is the client's own: from its request to the reply's last byte.
Run it as `python -m benchmarks.sessions`.
"""

import argparse
import asyncio
import time

import httpx

from benchmarks.measuring import GIB, measuring, parser
from benchmarks.pipeline import PARTITIONS, Pipeline, throwaway_pipeline, wait_until_told
from benchmarks.restart import open_sessions
from benchmarks.results import Figures
from ingest.control.authorization import signed_query
from roomstate.ports import free_port

_TOKEN = "benchmark"
_HOLDING = f"\nroomstate_processor_partitions {PARTITIONS}.0\n"
_TIMEOUT_S = 60.0


def main() -> None:
    """Measure and print."""
    with measuring("sessions", _options(), needs_bytes=GIB) as run:
        chosen = run.options
        chosen.sessions = chosen.sessions or run.scaled(100_000, 10_000)
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            run.progress(f"opening {chosen.sessions} sessions")
            asyncio.run(_prepare(pipeline, chosen.sessions))
            processor_port, port = free_port(), free_port()
            pipeline.start_processor(processor_port)
            pipeline.start_ingest(port, ROOMSTATE_MANAGEMENT_TOKEN=_TOKEN)
            wait_until_told(f"http://127.0.0.1:{processor_port}/metrics", _HOLDING)
            wait_until_told(f"http://127.0.0.1:{port}/readyz", '"ready":true')
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_TIMEOUT_S) as client:
                run.compare({f"{chosen.sessions} live sessions": lambda: _listed_and_killed(client, chosen.killed)})


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    options.add_argument("--sessions", type=int, help="live sessions (default 100000; short 10000)")
    options.add_argument("--killed", type=int, default=1_000, help="sessions ended by each call (default 1000)")
    return options


async def _prepare(pipeline: Pipeline, sessions: int) -> None:
    await pipeline.start_store()
    await open_sessions(pipeline, sessions)


def _listed_and_killed(client: httpx.Client, killed: int) -> Figures:
    query = signed_query("43", _TOKEN)
    begun_s = time.monotonic()
    reply = client.get(f"/manage/sessions?{query}").raise_for_status()
    listing_s = time.monotonic() - begun_s
    listed = reply.json()
    ids = [session["id"] for session in listed[:: max(len(listed) // killed, 1)]][:killed]
    begun_s = time.monotonic()
    client.post(f"/manage/sessions/delete?{query}", json=ids).raise_for_status()
    return {
        "listing all, s": listing_s,
        "the list, MB": len(reply.content) / 1e6,
        f"ending {len(ids)}, s": time.monotonic() - begun_s,
    }


if __name__ == "__main__":
    main()
