"""Starting and stopping the embedded store."""

import itertools
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from storage.embedded.app import Door, DoorApp
from storage.embedded.engine import Engine, Surroundings
from storage.embedded.inserting import Inserter
from storage.embedded.lanes import make_lanes
from storage.embedded.users import Users
from storage.settings import kept_secret

log = logging.getLogger(__name__)


class StoreStartError(Exception):
    """The store can't start; one line that says why."""


def run_store(data_dir: Path, host: str = "127.0.0.1", port: int = 8123) -> None:
    """Serve the store of a data folder until SIGTERM or SIGINT.

    Raises: SystemExit(1) after one line on stderr if it can't start.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        sys.exit(f"store: {host}:{port}: {error.strerror}")
    store_dir = data_dir.absolute() / "store"
    spool_dir = store_dir / "spool"
    spool_dir.mkdir(parents=True, exist_ok=True)
    engine = Engine(store_dir / "engine")
    with engine.session(Surroundings()) as session:
        lines = session.run("SELECT lower(name), content_type FROM system.formats").body.decode().splitlines()
    formats = dict(line.split("\t") for line in lines)
    lanes = make_lanes(analysts=4)
    door = Door(
        engine,
        lanes,
        Inserter(engine),
        Users(kept_secret(data_dir / "store.password")),
        spool_dir,
        formats,
        itertools.count(1),
    )
    config = uvicorn.Config(DoorApp(door), log_level="warning", access_log=False, lifespan="off", server_header=False)
    try:
        uvicorn.Server(config).run([listener])
    finally:
        lanes.close()
        engine.close()
