"""The private pipeline that is broken: store, processors, ingest processes, and a broker if the log is Kafka's.

It lives in a folder of its own on free ports. Processors reach the store through a proxy that can break their inserts;
everything else reaches it directly, the witness above all.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx

from roomstate.chaos.broker_part import BrokerPart
from roomstate.chaos.part import ChaosPart
from roomstate.chaos.store_proxy import StoreProxy
from roomstate.ports import free_port
from roomstate.refusals import CommandRefused
from roomstate.settings_options import environment_of
from storage.event_log import EventLog
from storage.migrate import migrate
from storage.open_log import open_log
from storage.settings import Settings, load_settings
from storage.store import Store, StoreError

LEASE_S: Final = 20
"""Short, so that leases end while faults happen and processors have expiries of their own to write."""
SESSION_TIMEOUT_MS: Final = 2_000
"""On Kafka: a processor that is frozen for longer loses its partitions."""
_PARTITIONS: Final = 8
_LOG_TIMEOUT_MS: Final = 3_000
_START_S: Final = 60.0
_POLL_S: Final = 0.05
_KAFKA_PROCESSES: Final = 2


class Instance:
    """Everything that runs; `running` starts and ends it."""

    def __init__(self, folder: Path, *, on_kafka: bool) -> None:
        self.folder = folder
        for name in ("logs", "clocks", "tmp"):
            (folder / name).mkdir()
        self.broker = BrokerPart(folder) if on_kafka else None
        log_url = f"{self.broker.url}?session_timeout_ms={SESSION_TIMEOUT_MS}" if self.broker else ""
        self.settings = _settings(folder, log_url)
        self.store = self._part("store", self.settings, "store")
        number = _KAFKA_PROCESSES if on_kafka else 1
        self._edges = [self.settings.model_copy(update={"port": free_port()}) for _ in range(number)]
        names = [""] if number == 1 else [f"-{index}" for index in range(1, number + 1)]
        self.ingests = [
            self._part(f"ingest{name}", edge, "ingest") for name, edge in zip(names, self._edges, strict=True)
        ]
        self.proxy = StoreProxy(self.settings.store_engine_url())
        self._processor_names = [f"processor{name}" for name in names]
        self.processors: list[ChaosPart] = []
        self._log: EventLog | None = None

    @property
    def parts(self) -> list[ChaosPart]:
        """All parts that are commands of ours."""
        return [self.store, *self.processors, *self.ingests]

    @property
    def urls(self) -> list[str]:
        """Where each ingest process answers."""
        return [f"http://{edge.host}:{edge.port}" for edge in self._edges]

    @property
    def log(self) -> EventLog:
        """The log, as the witness reads it."""
        if self._log is None:
            raise AssertionError("the instance does not run")
        return self._log

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Instance"]:
        """Start everything; end it at once when the block is left.

        Raises: CommandRefused, BrokerMissing and whatever else the start of a part may be refused with.
        """
        async with self.proxy.running():
            try:
                await self._start()
                yield self
            finally:
                await asyncio.gather(*(part.kill() for part in self.parts))
                if self._log is not None:
                    await asyncio.to_thread(self._log.close)
                if self.broker is not None:
                    await self.broker.close()

    async def _start(self) -> None:
        if self.broker is not None:
            await self.broker.start()
        self._log = await asyncio.to_thread(open_log, self.settings.log_engine_url, _PARTITIONS)
        await self.store.start()
        async with await self._first_answer():
            await migrate(self.settings.store_engine_url(), self.settings.retention_days)
        behind_proxy = self.settings.model_copy(update={"store_url": self.proxy.url})
        # Validated once more, for the URL is a secret to the settings.
        behind_proxy = load_settings(_env_file=None, **behind_proxy.model_dump(include=behind_proxy.model_fields_set))
        self.processors = [self._part(name, behind_proxy, "processor") for name in self._processor_names]
        await asyncio.gather(*(part.start() for part in (*self.processors, *self.ingests)))
        await self.until_ready(_START_S)

    async def until_ready(self, patience_s: float) -> None:
        """Return when every ingest process says that log, store and processor are in reach.

        Raises: CommandRefused with the last answer.
        """
        async with httpx.AsyncClient(timeout=5.0) as http:
            deadline_s = time.monotonic() + patience_s
            for url in self.urls:
                while trouble := await _trouble(http, url):
                    if time.monotonic() > deadline_s:
                        raise CommandRefused(
                            f"not ready after {patience_s:.0f} s: {trouble}; see {self.folder / 'logs'}"
                        )
                    await asyncio.sleep(_POLL_S)

    async def connected_store(self) -> Store:
        """Return the store, past the proxy."""
        return await Store.connect(self.settings.store_engine_url())

    async def _first_answer(self) -> Store:
        deadline_s = time.monotonic() + _START_S
        while True:
            try:
                return await Store.connect(self.settings.store_engine_url(), database="default")
            except StoreError as error:
                if not self.store.pid or time.monotonic() > deadline_s:
                    raise CommandRefused(f"the store did not start: {error}; see {self.store.log_path}") from error
            await asyncio.sleep(_POLL_S)

    def _part(self, name: str, settings: Settings, command: str) -> ChaosPart:
        # What a killed process leaves there goes with the folder.
        own = {**environment_of(settings), "TMPDIR": str(self.folder / "tmp")}
        return ChaosPart(name, (command,), {**os.environ, **own}, self.folder)


def _settings(folder: Path, log_url: str) -> Settings:
    return load_settings(
        _env_file=None,
        data_dir=folder / "data",
        log_url=log_url,
        port=free_port(),
        store_port=free_port(),
        partitions=_PARTITIONS,
        secret=secrets.token_hex(16),
        api_token=secrets.token_hex(16),
        participant_ttl_s=LEASE_S,
        log_timeout_ms=_LOG_TIMEOUT_MS,
    )


async def _trouble(http: httpx.AsyncClient, url: str) -> str:
    """Return what the ingest process misses, or nothing."""
    try:
        reply = await http.get(f"{url}/readyz")
    except httpx.TransportError as error:
        return f"{url}: {error or type(error).__name__}"
    return "" if reply.status_code == httpx.codes.OK else reply.text
