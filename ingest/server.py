"""Running one ingest process: uvicorn with uvloop and httptools, alone or with siblings behind the same port.

It answers as soon as the log is open, also while the store is away. SIGTERM, SIGINT or SIGHUP: it stops accepting,
answers what it took, writes what it promised, and ends with 0.
"""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import uvicorn

from ingest.app import IngestApp, create_app
from ingest.http_protocol import BoundedProtocol, raised_connections_max
from ingest.listening import BACKLOG, listen
from ingest.metrics import share_values
from ingest.siblings import Sibling
from ingest.store_gate import StoreGate
from storage.belonging import require_belonging_if_there
from storage.event_log import EventLog
from storage.open_log import open_log
from storage.settings import Settings

_LOG = logging.getLogger(__name__)
_KEEP_ALIVE_S: Final = 75
_SWITCH_INTERVAL_S: Final = 0.0005
"""How soon the log's thread gets the interpreter back after a write, while the event loop is busy."""

_STORE_WAIT_S: Final = 2.0
_GC_THRESHOLDS: Final = (20_000, 50, 100)
"""A request in flight is a few dozen objects, and a hundred of them may be; younger collections would find nothing."""


def run_ingest(
    settings: Settings, on_listening: Callable[[], None] = lambda: None, sibling: Sibling | None = None
) -> None:
    """Serve until told to end; `on_listening` is called once requests are answered.

    Raises: PortInUse, LogMismatch, LogUnavailable, SettingsError, StoreRefused before anything is served; LogMismatch,
    StoreRefused also later, when a store that was away turns out to be another log's or of a newer schema.
    """
    if sibling is None:
        listener = listen(settings.host, settings.port)
    else:
        listener = socket.socket(fileno=sibling.listener)
        share_values(sibling)
    log = open_log(settings.log_engine_url, settings.partition_count)
    try:
        if sibling is None:  # for siblings their parent has looked
            require_fitting_store(settings, log)
        _serve(settings, log, listener, on_listening, sibling)
    finally:
        listener.close()
        log.close()


def require_fitting_store(settings: Settings, log: EventLog) -> None:
    """Refuse a store that is there and belongs to another log, or has a newer schema.

    Raises: LogMismatch, StoreRefused.
    """
    asyncio.run(require_belonging_if_there(settings.store_engine_url(), log.log_id, _STORE_WAIT_S))


def server_config(app: IngestApp, grace_s: int) -> uvicorn.Config:
    """Return how uvicorn serves the app; `grace_s` is for how long requests under way may take once it is to end."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=cast(Any, partial(BoundedProtocol, short_way=app.short_way)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # see IngestApp
        backlog=BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )


def grace_s(settings: Settings) -> int:
    """Return for how long requests under way may take to be answered: as long as the log and a decision may."""
    return (settings.log_timeout_ms + settings.decision_timeout_ms) // 1000 + 2


class IngestServer(uvicorn.Server):
    """uvicorn that tells when it listens, and lets those who watch the live page go before it waits for replies."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and end once what is under way is answered."""
        cast(IngestApp, self.config.app).live.end()
        await super().shutdown(sockets)


def _serve(
    settings: Settings,
    log: EventLog,
    listener: socket.socket,
    on_listening: Callable[[], None],
    sibling: Sibling | None,
) -> None:
    refused: list[Exception] = []

    def refuse(error: Exception) -> None:
        refused.append(error)
        server.should_exit = True

    gate = StoreGate.to(settings.store_engine_url(), log.log_id, refuse)
    app = create_app(settings, log, gate, sibling=sibling)
    # mohawk writes whole headers to its log; they are nobody's business.
    logging.getLogger("mohawk").setLevel(logging.WARNING)
    # What is loaded by now stays; looking through it for garbage again and again cost an eighth of the throughput.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    server = IngestServer(server_config(app, grace_s(settings)), on_listening)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Also before and after uvicorn listens to them itself: it raises them again once it has ended.
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    BoundedProtocol.connections_max = raised_connections_max()
    host, port = listener.getsockname()[:2]
    _LOG.info("ingest listens on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    server.run(sockets=[listener])
    _LOG.info("ingest has ended")
    if refused:
        raise refused[0]
