"""The whole pipeline on this machine: store (unless there is one elsewhere), log, migrations, processors, ingest.

Start: settings, ports, folder and log are looked at first; then the store, the migrations, the processors and ingest,
until each says that it is ready and ingest that everything is in reach. Stop: ingest first, which answers what it took;
when nothing is pending between log and store any more, the processors; the store last.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx

from roomstate.addresses import api_url
from roomstate.data_folder import FolderLock
from roomstate.ports import free_port, require_free_port
from roomstate.refusals import CommandRefused
from roomstate.running.fitting import processor_ports, require_fitting
from roomstate.running.ingest_processes import ingest_stop_s
from roomstate.running.part import Part
from roomstate.settings_options import environment_of
from storage.accounting import read_accounting
from storage.event_log import LogUnavailable
from storage.migrate import migrate
from storage.open_log import open_log
from storage.settings import Settings
from storage.store import Store, StoreError, StoreUnavailable

_LOG = logging.getLogger(__name__)
_READY_S: Final = 60.0
_POLL_S: Final = 0.05
_PATIENCE_S: Final = 5.0
"""What is waited for is told each time that so much has passed."""
_MARGIN_S: Final = 2.0
_DRAINED_S: Final = 30.0
_HOLDING_S: Final = 10.0
"""For so long processors are waited for that hold no partition: others, elsewhere, may hold them all."""
_PROCESSOR_STOP_S: Final = 25.0
_STORE_STOP_S: Final = 20.0


class PartFailed(CommandRefused):
    """A part ended before everything was ready; it has said why in a line of its own."""

    def __init__(self, name: str, exit_code: int) -> None:
        super().__init__(f"{name} could not be started, see the line above")
        self.exit_code = exit_code


class Pipeline:
    """The parts, from `start` to `stop`; used from one event loop, once."""

    def __init__(self, settings: Settings, working_dir: Path | None = None) -> None:
        """Shape: `working_dir` is that of the parts, which read `.env` there; None = this process' own."""
        self.settings = _with_ports(settings)
        self._working_dir = working_dir
        self._parts: dict[str, Part] = {}
        self._stages: list[list[str]] = []
        """The parts' names; those of one stage are stopped together."""
        self._running: dict[str, asyncio.Task[int]] = {}
        self._folder: FolderLock | None = None
        self._is_ready = False
        self._holding_by_s = 0.0

    @property
    def api_url(self) -> str:
        """Where ingest answers."""
        return api_url(self.settings)

    @property
    def has_own_store(self) -> bool:
        """Whether the store is embedded."""
        return self.settings.store_url is None

    def pids(self) -> dict[str, int]:
        """Return the process id of each part; 0 = it does not run now."""
        return {name: part.pid for name, part in self._parts.items()}

    async def start(self) -> None:
        """Return when everything answers.

        Raises: CommandRefused, LogMismatch, LogUnavailable, MigrationError, StoreError; `stop` is due all the same.
        """
        settings = self.settings
        require_fitting(settings)
        if settings.is_log_embedded or self.has_own_store:
            self._folder = FolderLock(settings.data_dir)
        require_free_port(settings.host, settings.port, "--port")
        if self.has_own_store:
            require_free_port("127.0.0.1", settings.store_port, "--store-port")
        (await asyncio.to_thread(open_log, settings.log_engine_url, settings.partition_count)).close()
        if self.has_own_store:
            self.add("store", ("store",), _STORE_STOP_S)
        await self._until(self._store_answers, "store")
        await migrate(settings.store_engine_url(), settings.retention_days)
        self._add_processors()
        self._holding_by_s = time.monotonic() + _HOLDING_S
        self.add("ingest", ("ingest",), ingest_stop_s(settings) + _MARGIN_S)
        await self._until(self._everything_answers, "pipeline")
        self._is_ready = True
        for part in self._parts.values():
            part.restarts = True

    def add(self, name: str, arguments: tuple[str, ...], stop_s: float, *, restarts: bool = False) -> None:
        """Start one more part; it is stopped before those that were added earlier."""
        self._stages.append([])
        self._add(Part(name, arguments, environment_of(self.settings), stop_s, self._working_dir), restarts=restarts)

    def _add_processors(self) -> None:
        self._stages.append([])
        ports = processor_ports(self.settings)
        for number, port in enumerate(ports, 1):
            name = "processor" if len(ports) == 1 else f"processor-{number}"
            environment = environment_of(self.settings.model_copy(update={"processor_port": port}))
            self._add(Part(name, ("processor",), environment, _PROCESSOR_STOP_S, self._working_dir))

    def _add(self, part: Part, *, restarts: bool = False) -> None:
        part.restarts = restarts
        self._stages[-1].append(part.name)
        self._parts[part.name] = part
        self._running[part.name] = asyncio.create_task(part.run(), name=part.name)

    async def stop(self) -> bool:
        """Stop everything in order; return whether everything accepted is in the store."""
        is_stored = True
        for names in reversed(self._stages):
            await asyncio.gather(*(self._parts[name].stop(self._running[name]) for name in names))
            if names == ["ingest"] and self._is_ready:
                is_stored = await self._is_drained()
        self._release()
        return is_stored

    async def kill(self) -> None:
        """End everything at once; nothing that was promised is lost, but it is stored only after the next start."""
        for part in self._parts.values():
            part.kill()
        await asyncio.gather(*self._running.values())
        self._release()

    def _release(self) -> None:
        if self._folder is not None:
            self._folder.release()
            self._folder = None

    async def _until(self, is_so: Callable[[], Awaitable[str]], what: str) -> None:
        """Wait until the question is answered with ''.

        Raises: PartFailed if a part ends meanwhile; CommandRefused with the last answer if it takes too long.
        """
        trouble = ""
        told_after = time.monotonic() + _PATIENCE_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_S):
                while trouble := await is_so():
                    self._check_parts()
                    if time.monotonic() > told_after:
                        _LOG.info("waiting for the %s (%s)", what, trouble)
                        told_after += _PATIENCE_S
                    await asyncio.sleep(_POLL_S)
        if trouble:
            raise CommandRefused(f"the {what} is not ready after {_READY_S:.0f} s: {trouble}")

    def _check_parts(self) -> None:
        for name, task in self._running.items():
            if task.done():
                raise PartFailed(name, task.result())

    async def _store_answers(self) -> str:
        try:
            store = await Store.connect(self.settings.store_engine_url(), database="default")
        except StoreUnavailable as error:
            return str(error)
        await store.close()
        return ""

    async def _everything_answers(self) -> str:
        waiting = [name for name, part in self._parts.items() if name != "store" and not part.is_ready]
        if "ingest" in waiting or (waiting and time.monotonic() < self._holding_by_s):
            return f"{', '.join(waiting)} not ready yet"
        try:
            async with httpx.AsyncClient() as client:
                reply = await client.get(f"{self.api_url}/readyz", timeout=5)
        except httpx.HTTPError as error:
            return f"ingest: {error}"
        return "" if reply.status_code == httpx.codes.OK else reply.text

    async def _is_drained(self) -> bool:
        """Wait until what is in the log is in the store; return whether that was so in time."""
        settings = self.settings
        pending = "what is"
        log = None
        try:
            log = await asyncio.to_thread(open_log, settings.log_engine_url, settings.partition_count)
            async with asyncio.timeout(_DRAINED_S), await Store.connect(settings.store_engine_url()) as store:
                while (account := await read_accounting(store, log)).pending:
                    pending = str(account.pending)
                    await asyncio.sleep(_POLL_S)
                return True
        except (TimeoutError, LogUnavailable, StoreError) as error:
            _LOG.warning("%s pending in the log will be stored after the next start (%s)", pending, error or "too slow")
            return False
        finally:
            if log is not None:
                log.close()


def _with_ports(settings: Settings) -> Settings:
    """Return the settings with free ports in place of 0, so that everybody knows them."""
    chosen = {name: free_port() for name in ("port", "store_port") if getattr(settings, name) == 0}
    return settings.model_copy(update=chosen)
