"""The real embedded store, started once for the whole test run, and fresh databases on it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from roomstate.ports import free_port
from tests.storage.migrated_schema import MigratedSchema

_START_S = 60.0


class EmbeddedStore:
    """One store process on a folder of its own; it can be killed and started again on the same folder and port."""

    module = "storage.embedded"
    """What is run."""

    def __init__(self, data_dir: Path, port: int, *options: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [sys.executable, "-m", self.module, "--data-dir", str(self.data_dir), "--port", str(self.port)]
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen([*command, *self._options], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while not self.is_answering():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the store did not start: {self.log_path.read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End the process as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End the process as an operator would; return its exit code."""
        return self._end(signal.SIGTERM)

    def is_answering(self) -> bool:
        """Tell whether `/ping` is answered."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/ping", timeout=5) as answer:
                return bool(answer.read() == b"Ok.\n")
        except (OSError, urllib.error.URLError):
            return False

    @property
    def log_path(self) -> Path:
        """What the process printed."""
        return self.data_dir / "store.log"

    @property
    def base_url(self) -> str:
        """The address without a user."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """The writing user's password."""
        return (self.data_dir / "store.password").read_text().strip()

    def url(self, database: str = "default") -> str:
        """Return the writing user's URL of a database."""
        return f"http://roomstate:{self.password}@127.0.0.1:{self.port}/{database}"

    def analyst_url(self, database: str = "default") -> str:
        """Return the reading user's URL of a database."""
        return f"http://analyst@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "default") -> bytes:
        """Run a statement as the writing user and return the answer's body."""
        headers = {
            "X-ClickHouse-User": "roomstate",
            "X-ClickHouse-Key": self.password,
            "X-ClickHouse-Database": database,
        }
        request = urllib.request.Request(f"{self.base_url}/", sql.encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def _end(self, number: int) -> int:
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            os.kill(process.pid, number)
        return process.wait(timeout=60)


@contextmanager
def started_store(folder: Path) -> Iterator[EmbeddedStore]:
    """Run a store on the folder until the block ends."""
    store = EmbeddedStore(folder, free_port())
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """The store that all tests of a run share; a test that breaks it must bring it back."""
    with started_store(tmp_path_factory.mktemp("embedded_store")) as store:
        yield store


@pytest.fixture
def empty_database(embedded_store: EmbeddedStore) -> Iterator[str]:
    """The writing user's URL of a fresh database without any table."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    embedded_store.run(f"CREATE DATABASE {name}")
    yield embedded_store.url(name)
    if embedded_store.is_answering():
        embedded_store.run(f"DROP DATABASE IF EXISTS {name} SYNC")


def schema_migrated_in(store: EmbeddedStore) -> MigratedSchema:
    """Migrate a database of the store, and return what the migrations left there."""
    from storage.migrate import migrate  # noqa: PLC0415  # only tests that need the schema load it

    # In a thread of its own: the test may have an event loop already.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(migrate(store.url(MigratedSchema.DATABASE)))).result()
    return MigratedSchema.read(store)


@pytest.fixture(scope="session")
def migrated_schema(embedded_store: EmbeddedStore) -> MigratedSchema:
    """Our schema as the migrations leave it; taking it from there is ten times as fast as migrating again."""
    return schema_migrated_in(embedded_store)


@pytest.fixture
def store_database(embedded_store: EmbeddedStore, migrated_schema: MigratedSchema) -> Iterator[str]:
    """The writing user's URL of a fresh database with our schema."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    migrated_schema.create(embedded_store, name)
    yield embedded_store.url(name)
    if embedded_store.is_answering():
        embedded_store.run(f"DROP DATABASE IF EXISTS {name} SYNC")
