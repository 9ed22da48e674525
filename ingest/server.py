"""Running ingest: one process, uvicorn with uvloop and httptools.

It answers as soon as the log is open, also while the store is away. SIGTERM or SIGINT: it stops accepting, answers
what it took, writes what it promised, and ends with 0.
"""

import gc
import logging
import signal
import socket
import sys
from typing import Final

import uvicorn
from fastapi import FastAPI

from ingest.app import create_app
from ingest.store_gate import StoreGate
from storage.event_log import EventLog
from storage.open_log import open_log
from storage.settings import Settings

_LOG = logging.getLogger(__name__)
_BACKLOG: Final = 2048
_KEEP_ALIVE_S: Final = 75
_SWITCH_INTERVAL_S: Final = 0.0005
"""How soon the log's thread gets the interpreter back after a write, while the event loop is busy."""

_GC_THRESHOLDS: Final = (20_000, 50, 100)
"""A request in flight is a few dozen objects, and a hundred of them may be; younger collections would find nothing."""


class PortInUse(Exception):
    """The address can't be listened on; one line that says what to do."""


def run_ingest(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises: PortInUse, LogMismatch, LogUnavailable, SettingsError before anything is served.
    """
    listener = listen(settings.host, settings.port)
    log = open_log(settings.log_engine_url, settings.partition_count)
    try:
        _serve(settings, log, listener)
    finally:
        listener.close()
        log.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; port 0 takes a free one.

    Raises: PortInUse.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"ROOMSTATE_PORT={port}: {host}:{port} can't be listened on ({error.strerror});"
            " stop what uses it or name another"
        ) from error
    listener.setblocking(False)
    return listener


def server_config(app: FastAPI, grace_s: int) -> uvicorn.Config:
    """Return how uvicorn serves the app; `grace_s` is for how long requests under way may take once it is to end."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # see IngestApp
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )


def _serve(settings: Settings, log: EventLog, listener: socket.socket) -> None:
    app = create_app(settings, log, StoreGate.to(settings.store_engine_url()))
    # mohawk writes whole headers to its log; they are nobody's business.
    logging.getLogger("mohawk").setLevel(logging.WARNING)
    # What is loaded by now stays; looking through it for garbage again and again cost an eighth of the throughput.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    server = uvicorn.Server(server_config(app, _grace_s(settings)))
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also before and after uvicorn listens to them itself: it raises them again once it has ended.
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    host, port = listener.getsockname()[:2]
    _LOG.info("ingest listens on http://%s:%d", host, port)
    server.run(sockets=[listener])
    _LOG.info("ingest has ended")


def _grace_s(settings: Settings) -> int:
    """Return for how long requests under way may take to be answered: as long as the log and a decision may."""
    return (settings.log_timeout_ms + settings.decision_timeout_ms) // 1000 + 2
