"""Several ingest processes behind one port: started, started again when one dies, stopped together.

The parent makes the listening socket and never serves: connections that nobody has accepted yet wait in it whatever
happens to a process, and a port in use is found out before anything starts. Source: ingest/siblings.py
"""

import asyncio
import contextlib
import logging
import signal
import socket
import tempfile
from functools import partial
from typing import Final

from ingest.listening import listen
from ingest.metrics import forget_gauges
from ingest.server import require_fitting_store
from ingest.siblings import Sibling
from roomstate.running.part import Part, ending
from roomstate.running.ready_pipe import say_ready
from roomstate.settings_options import environment_of
from storage.open_log import open_log
from storage.settings import Settings

_LOG = logging.getLogger(__name__)
_POLL_S: Final = 0.02
_MARGIN_S: Final = 3.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ingest_stop_s(settings: Settings) -> float:
    """Return how long one ingest process may take to end: to answer what it took, and a little."""
    return (settings.log_timeout_ms + settings.decision_timeout_ms) / 1000 + _MARGIN_S


def run_ingest_processes(settings: Settings) -> int:
    """Run as many ingest processes as are set until told to end; return the exit code.

    Raises: PortInUse, LogMismatch, LogUnavailable, SettingsError, StoreRefused before anything is served.
    """
    listener = listen(settings.host, settings.port)
    try:
        # What would be refused by each process is refused here, in one line.
        settings.signing_secret()
        settings.bearer_token()
        with contextlib.closing(open_log(settings.log_engine_url, settings.partition_count)) as log:
            require_fitting_store(settings, log)
        with tempfile.TemporaryDirectory(prefix="roomstate-ingest-") as folder:
            return asyncio.run(_Processes(settings, listener, folder).run())
    finally:
        listener.close()


class _Processes:
    """The processes, for one run."""

    def __init__(self, settings: Settings, listener: socket.socket, folder: str) -> None:
        self._settings = settings
        self._listener = listener
        count = settings.ingest_processes
        siblings = [Sibling(number, count, listener.fileno(), folder) for number in range(count)]
        self._parts = [self._part(sibling) for sibling in siblings]
        self._told = asyncio.Event()

    async def run(self) -> int:
        """Run until told to end, or until a process can't be started."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._told.set)
        running = [asyncio.create_task(part.run(), name=part.name) for part in self._parts]
        failed = await self._started(running)
        if not failed and not self._told.is_set():
            _LOG.info("%d processes serve http://%s:%d", len(self._parts), *self._listener.getsockname()[:2])
            say_ready()
            for part in self._parts:
                part.restarts = True
            await self._told.wait()
        # Whoever connects from now on is refused as soon as the last process has stopped accepting.
        self._listener.close()
        await asyncio.gather(*(part.stop(task) for part, task in zip(self._parts, running, strict=True)))
        codes = [task.result() for task in running]
        return failed or int(any(codes))

    async def _started(self, running: "list[asyncio.Task[int]]") -> int:
        """Wait until all processes serve or the end is told; return the exit code of one that could not, else 0."""
        while not self._told.is_set() and not all(part.is_ready for part in self._parts):
            for task in running:
                if task.done():
                    _LOG.error("%s ended before it served (%s)", task.get_name(), ending(task.result()))
                    return max(task.result(), 1)
            await asyncio.sleep(_POLL_S)
        return 0

    def _part(self, sibling: Sibling) -> Part:
        return Part(
            sibling.name,
            ("ingest",),
            {**environment_of(self._settings), **sibling.environment()},
            ingest_stop_s(self._settings),
            descriptors=(sibling.listener,),
            on_end=partial(forget_gauges, sibling),
        )
