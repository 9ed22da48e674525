"""`roomstate up`: the whole pipeline until SIGINT or SIGTERM.

A second signal while stopping ends everything at once. The exit code is 0 if everything accepted is in the store.
"""

import asyncio
import contextlib
import logging
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from roomstate.running.pipeline import PartFailed, Pipeline
from storage.settings import Settings

_LOG = logging.getLogger(__name__)
_SIMULATE_STOP_S: Final = 5.0
_FIRST_QUERY: Final = (
    "SELECT verdict, count() FROM room_events WHERE notEmpty(verdict) GROUP BY verdict ORDER BY 2 DESC"
)


def run_up(settings: Settings, simulated_calls_per_minute: float) -> int:
    """Run the pipeline until told to stop; return the exit code.

    Raises: what `Pipeline.start` raises.
    """
    return asyncio.run(_up(settings, simulated_calls_per_minute))


async def _up(settings: Settings, simulated_calls_per_minute: float) -> int:
    pipeline = Pipeline(settings)
    with _signals() as signals:
        started = time.monotonic()
        try:
            if not await _happens_before(pipeline.start(), signals.first):
                return 0
            _say_ready(pipeline, time.monotonic() - started)
            if simulated_calls_per_minute > 0:
                _simulate(pipeline, simulated_calls_per_minute)
            await signals.first.wait()
            _LOG.info("stopping; what is accepted is stored first (again to stop at once)")
        except PartFailed as failure:
            return failure.exit_code if failure.exit_code > 0 else 1
        finally:
            is_stored = await _stopped(pipeline, signals)
    return 0 if is_stored else 1


def _simulate(pipeline: Pipeline, calls_per_minute: float) -> None:
    arguments = ("simulate", "--calls", "0", "--rate", f"{calls_per_minute:g}", "--url", pipeline.api_url)
    pipeline.add("simulate", arguments, _SIMULATE_STOP_S, restarts=True)


async def _stopped(pipeline: Pipeline, signals: "_Signals") -> bool:
    stopping = asyncio.create_task(pipeline.stop())
    hurry = asyncio.create_task(signals.second.wait())
    await asyncio.wait({stopping, hurry}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if stopping.done():
        return stopping.result()
    stopping.cancel()
    await pipeline.kill()
    return False


async def _happens_before(work: "asyncio._CoroutineLike[None]", event: asyncio.Event) -> bool:
    """Return whether the work ended before the event; else it is cancelled."""
    working = asyncio.create_task(work)
    told = asyncio.create_task(event.wait())
    await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not working.done():
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return False
    await working
    return True


class _Signals:
    """Which signals to stop have come."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def note(self) -> None:
        """Note one more."""
        (self.second if self.first.is_set() else self.first).set()


@contextlib.contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, signals.note)
    try:
        yield signals
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _say_ready(pipeline: Pipeline, seconds: float) -> None:
    settings = pipeline.settings
    lines = [
        f"Roomstate is ready ({seconds:.1f} s).",
        f"  live page   {pipeline.api_url}/",
        f"  API         {pipeline.api_url} (what it takes: {pipeline.api_url}/docs)",
    ]
    if pipeline.has_own_store:
        lines.append(
            f"  ClickHouse  http://127.0.0.1:{settings.store_port} (user analyst, no password, database roomstate)"
        )
    lines.append(f"  query       {_command()} query {shlex.quote(_FIRST_QUERY)}")
    if settings.api_token is None:
        lines.append(f"  token       {settings.data_dir.absolute() / 'api_token'} (bearer token of /v1/inputs)")
    lines.append("Ctrl-C stops it; nothing that was answered is lost.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _command() -> str:
    """Return how a person types this command."""
    path = Path(sys.argv[0])
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return str(path) if path.name == "roomstate" else "roomstate"
