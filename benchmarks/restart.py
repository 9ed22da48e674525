"""How long a processor and an ingest process take to start among many live sessions, and what memory those cost.

Measures both on an empty instance first, so that what is left is the sessions' share: two to a room. Run it as
`python -m benchmarks.restart`.
"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Callable

import httpx

from benchmarks.pipeline import PARTITIONS, Pipeline, memory_bytes, received_now, throwaway_pipeline
from roomstate.ports import free_port
from state_machine.inputs import Input
from storage.store import Store

_TIMEOUT_S = 600.0
_SETTLE_S = 2.0
_BATCH = 8_000
_MIB = 1024 * 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    parser.add_argument("--sessions", type=int, default=100_000, help="live sessions (default 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is started (default 3)")
    chosen = parser.parse_args()
    with throwaway_pipeline(chosen.log) as pipeline:
        asyncio.run(_measure(pipeline, chosen.sessions, chosen.rounds))


async def _measure(pipeline: Pipeline, sessions: int, rounds: int) -> None:
    await pipeline.start_store()
    parts: dict[str, Callable[[], tuple[float, int]]] = {
        "processor": lambda: _started_processor(pipeline),
        "ingest": lambda: _started_ingest(pipeline),
    }
    empty = {name: started()[1] for name, started in parts.items()}
    await open_sessions(pipeline, sessions)
    for _ in range(rounds):
        for name, started in parts.items():
            seconds, held_bytes = started()
            share = (held_bytes - empty[name]) / sessions
            print(
                f"{name}: ready in {seconds:.2f} s among {sessions} live sessions,"
                f" {held_bytes / _MIB:.0f} MiB, {share:.0f} bytes a session"
            )


async def open_sessions(pipeline: Pipeline, sessions: int) -> None:
    """Let a processor store so many openings."""
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        processor = pipeline.start_processor()
        for start in range(0, sessions, _BATCH):
            numbers = range(start, min(start + _BATCH, sessions))
            await asyncio.to_thread(pipeline.append, [_opening(number) for number in numbers])
        deadline = time.monotonic() + _TIMEOUT_S
        while (live := (await store.rows("SELECT count() FROM live_sessions"))[0][0]) < sessions:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{live} of {sessions} sessions are live")
            await asyncio.sleep(0.5)
        pipeline.end(processor)


def _opening(number: int) -> Input:
    return Input(
        kind="open",
        received_at_ms=received_now(),
        room=f"room-{number // 2:07d}",
        session=f"session-{number:07d}-{number * 2654435761 % (1 << 32):08x}",
        user=f"user-{number:07d}",
        client_ip=f"192.0.{number // 256 % 256}.{number % 256}",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:45.0) Gecko/20100101 Firefox/45.0",
    )


def _started_processor(pipeline: Pipeline) -> tuple[float, int]:
    port = free_port()
    return _started(
        pipeline,
        lambda: pipeline.start_processor(port),
        f"http://127.0.0.1:{port}/metrics",
        f"\nroomstate_processor_partitions {PARTITIONS}.0\n",
    )


def _started_ingest(pipeline: Pipeline) -> tuple[float, int]:
    port = free_port()
    return _started(pipeline, lambda: pipeline.start_ingest(port), f"http://127.0.0.1:{port}/metrics", "roomstate_")


def _started(
    pipeline: Pipeline, start: Callable[[], "subprocess.Popen[bytes]"], url: str, told: str
) -> tuple[float, int]:
    """Start a process and end it again; return the seconds until its page told this, and its memory then."""
    started_s = time.monotonic()
    process = start()
    while told not in _page(url):
        if time.monotonic() > started_s + _TIMEOUT_S or process.poll() is not None:
            raise TimeoutError("it did not start")
        time.sleep(0.02)
    seconds = time.monotonic() - started_s
    time.sleep(_SETTLE_S)
    held_bytes = memory_bytes(process.pid)
    pipeline.end(process)
    return seconds, held_bytes


def _page(url: str) -> str:
    try:
        return httpx.get(url, timeout=5.0).text
    except httpx.HTTPError:
        return ""


if __name__ == "__main__":
    main()
