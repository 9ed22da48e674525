"""Ingest with everything behind it: a real log, a real processor in a process of its own, the real embedded store."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.store_gate import StoreGate
from storage.migrate import migrate
from storage.sqlite_log import SqliteLog
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import Served, served, settings_for

_PROCESSOR = """
import pathlib, sys
from processors.worker import run_processor
from storage.settings import load_settings

run_processor(load_settings(), pathlib.Path(sys.argv[1]).touch)
"""
_PATIENCE_S = 60.0


@contextmanager
def fresh_database(store: EmbeddedStore) -> Iterator[str]:
    """Make a migrated database on the store and return its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(store.url(name)))).result()
    yield store.url(name)
    if store.is_answering():
        store.run(f"DROP DATABASE IF EXISTS {name} SYNC")


@contextmanager
def processing(folder: Path, store_url: str, **settings: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a processor until the block ends."""
    environment = {
        **os.environ,
        "ROOMSTATE_DATA_DIR": str(folder),
        "ROOMSTATE_STORE_URL": store_url,
        "ROOMSTATE_PARTITIONS": "4",
        **{f"ROOMSTATE_{name.upper()}": str(value) for name, value in settings.items()},
    }
    holding = folder / "holding"
    holding.unlink(missing_ok=True)
    with (folder / "processor.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROCESSOR, str(holding)], env=environment, stdout=output, stderr=output
        )
    try:
        wait_until(holding.exists, "the processor to take the partitions over")
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


@contextmanager
def whole_pipeline(folder: Path, store: EmbeddedStore, **settings: Any) -> Iterator[Served]:
    """Run ingest, processor and store together; ready when it says so."""
    with fresh_database(store) as url:
        log = SqliteLog(folder / "log.db", 4)
        # Beside other work on the same cores a decision may take longer than a client would wait.
        edge_settings = settings_for(folder, store_url=url, **{"decision_timeout_ms": 10_000, **settings})
        with processing(folder, url, **settings), served(edge_settings, log, StoreGate.to(url)) as running:
            wait_until(lambda: running.http.get("/readyz").status_code == 200, "everything to be ready")
            yield running
        log.close()


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """Return what the condition gives once it is true."""
    give_up_s = time.monotonic() + _PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < give_up_s, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def wait_until_stored(server: Served) -> dict[str, Any]:
    """Return the accounting once nothing is pending."""

    def accounting() -> dict[str, Any] | None:
        body: dict[str, Any] = server.http.get("/v1/accounting").json()
        return body if body["pending"] == 0 else None

    found: dict[str, Any] = wait_until(accounting, "everything to be stored")
    return found
