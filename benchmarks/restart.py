"""How long a processor and an ingest process take to start among many live sessions, and what memory those cost.

Measures both on an empty instance first, so that what is left is the sessions' share: two to a room. Run it as
`python -m benchmarks.restart`.
"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import httpx

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import PARTITIONS, Pipeline, memory_bytes, received_now, throwaway_pipeline
from benchmarks.results import Figures
from roomstate.ports import free_port
from state_machine.inputs import Input
from storage.store import Store

_TIMEOUT_S = 600.0
_SETTLE_S = 2.0
_BATCH = 8_000
_MIB = 1024 * 1024
_MANY = 1_000_000


class Started(NamedTuple):
    """How long a process took until it was ready, and what memory it held then."""

    seconds: float
    held_bytes: int


def main() -> None:
    """Measure and print."""
    with measuring("restart", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        chosen.sessions = chosen.sessions or ([2_000] if run.is_short else [10_000, 100_000, _MANY])
        parts: dict[str, Callable[[Pipeline], Started]] = {"processor": _started_processor, "ingest": _started_ingest}
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            asyncio.run(pipeline.start_store())
            empty = {name: start(pipeline).held_bytes for name, start in parts.items()}
            opened = 0
            for sessions in sorted(chosen.sessions):
                run.progress(f"opening {sessions:,} sessions")
                asyncio.run(open_sessions(pipeline, sessions, opened))
                opened = sessions
                sides = {
                    _side(name, sessions): partial(_figures, pipeline, start, empty[name], sessions)
                    for name, start in parts.items()
                }
                run.compare(sides)
        _say_what_holds(run, opened)


def _side(part: str, sessions: int) -> str:
    return f"{part}, {sessions:,} live sessions"


def _figures(pipeline: Pipeline, start: Callable[[Pipeline], Started], empty_bytes: int, sessions: int) -> Figures:
    started = start(pipeline)
    return {
        "ready after, s": started.seconds,
        "memory, MiB": started.held_bytes / _MIB,
        "of that for each session, bytes": (started.held_bytes - empty_bytes) / sessions,
    }


def _say_what_holds(run: Run, sessions: int) -> None:
    side = _side("processor", sessions)
    if sessions < _MANY:
        run.not_measured(f"{_MANY:,} live sessions, which the bars are about")
        return
    ready_s = run.results.summary(side, "ready after, s").median
    held_bytes = run.results.summary(side, "of that for each session, bytes").median
    run.bar("restart among 1 M live sessions", ready_s, "s", must=30, reach=15, is_less_better=True)
    run.bar("memory of a live session in the processor", held_bytes, "bytes", must=1000, reach=600, is_less_better=True)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    options.add_argument(
        "--sessions", type=int, nargs="+", help="live sessions (default 10000 100000 1000000; short 2000)"
    )
    return options


async def open_sessions(pipeline: Pipeline, sessions: int, opened: int = 0) -> None:
    """Let a processor store openings until so many sessions are live; `opened` of them are."""
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        processor = pipeline.start_processor()
        for start in range(opened, sessions, _BATCH):
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


def _started_processor(pipeline: Pipeline) -> Started:
    port = free_port()
    return _started(
        pipeline,
        lambda: pipeline.start_processor(port),
        f"http://127.0.0.1:{port}/metrics",
        f"\nroomstate_processor_partitions {PARTITIONS}.0\n",
    )


def _started_ingest(pipeline: Pipeline) -> Started:
    port = free_port()
    return _started(pipeline, lambda: pipeline.start_ingest(port), f"http://127.0.0.1:{port}/metrics", "roomstate_")


def _started(pipeline: Pipeline, start: Callable[[], "subprocess.Popen[bytes]"], url: str, told: str) -> Started:
    """Start a process and end it again."""
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
    return Started(seconds, held_bytes)


def _page(url: str) -> str:
    try:
        return httpx.get(url, timeout=5.0).text
    except httpx.HTTPError:
        return ""


if __name__ == "__main__":
    main()
