"""The running store: the engine, what stands around it, and the HTTP server, from first request to clean stop."""

import asyncio
import itertools
import logging
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn

from storage.embedded.analyst import AnalystRules
from storage.embedded.analyst_names import AllowedNames
from storage.embedded.analyst_settings import AnalystSettings
from storage.embedded.app import DoorApp
from storage.embedded.cut_parts import set_aside_cut_parts
from storage.embedded.door import Door
from storage.embedded.door_metrics import DoorMetrics
from storage.embedded.engine import Engine, Surroundings, loaded_version
from storage.embedded.engine_errors import EngineError
from storage.embedded.failed_writes import FailedWrites
from storage.embedded.folder import StoreFolder, StoreStartError
from storage.embedded.inserting import Inserter
from storage.embedded.lanes import Lanes, make_lanes
from storage.embedded.quiet_partitions import QuietPartitions
from storage.embedded.syncing import Syncing
from storage.embedded.users import Users

if TYPE_CHECKING:
    from storage.embedded.server import StoreLimits

_LOG = logging.getLogger(__name__)
_STOP_S: Final = 20
_READERS_STOP_S: Final = 2
_KEEP_ALIVE_S: Final = 30


class _Server(uvicorn.Server):
    """The HTTP server; on its way down inserts may end, readers only for a moment."""

    def __init__(self, config: uvicorn.Config, engine: Engine, lanes: Lanes) -> None:
        super().__init__(config)
        self._engine = engine
        self._lanes = lanes

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, answer those that are there, and return."""
        cancelling = asyncio.ensure_future(self._cancel_readers())
        try:
            await super().shutdown(sockets)
        finally:
            cancelling.cancel()

    async def _cancel_readers(self) -> None:
        while True:
            await asyncio.sleep(_READERS_STOP_S)
            await self._lanes.own.start(self._engine.cancel_readers)


class Serving:
    """The store on its folder.

    Raises: StoreStartError if the engine can't open the folder.
    """

    def __init__(self, folder: StoreFolder, password: str, limits: "StoreLimits") -> None:
        self.version = loaded_version()
        folder.check_version(self.version)
        if cut := set_aside_cut_parts(folder.engine):
            _LOG.warning("store: parts that a failed write cut short are set aside: %s", ", ".join(cut))
        try:
            self._engine = Engine(folder.engine)
        except EngineError as error:
            raise StoreStartError(f"{folder.engine}: the engine cannot open it: {error.detail}") from error
        self._failed_writes = FailedWrites(self._engine)
        self._syncing = Syncing(folder.engine)
        self._quiet_partitions = QuietPartitions(self._engine, self._syncing)
        self._lanes = make_lanes(limits.analyst_queries)
        settings = AnalystSettings(limits.analyst)
        self._door = Door(
            self._engine,
            self._lanes,
            Inserter(self._engine),
            self._failed_writes,
            self._syncing,
            Users(password),
            AnalystRules(AllowedNames(self._engine), settings),
            settings,
            folder.spool,
            _formats(self._engine),
            DoorMetrics(self._lanes),
            itertools.count(1),
        )

    def run(self, listener: socket.socket) -> None:
        """Answer until SIGTERM or SIGINT; what runs then may end, for some seconds."""
        config = uvicorn.Config(
            DoorApp(self._door),
            http="httptools",
            lifespan="off",
            log_config=None,
            log_level="critical",  # an answer cut short is a server's error to uvicorn, a failed query to us
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_S,
        )
        server = _Server(config, self._engine, self._lanes)
        for number in (signal.SIGTERM, signal.SIGINT):
            # The server repeats the signal that stopped it once it has stopped; the store has more to do then.
            signal.signal(number, server.handle_exit)
        try:
            server.run([listener])
        finally:
            self._stop()

    def _stop(self) -> None:
        self._lanes.close()
        # A statement that does not end must not keep the process: the engine's files stand a hard end.
        watchdog = threading.Timer(_STOP_S, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
        self._lanes.join()
        self._quiet_partitions.stop()
        self._failed_writes.stop()
        self._syncing.stop()
        self._engine.close()
        watchdog.cancel()


def _formats(engine: Engine) -> dict[str, tuple[str, str]]:
    with engine.session(Surroundings()) as session:
        lines = session.run("SELECT name, content_type FROM system.formats").body.decode().splitlines()
    pairs = [line.split("\t") for line in lines]
    return {name.lower(): (name, content_type) for name, content_type in pairs}
