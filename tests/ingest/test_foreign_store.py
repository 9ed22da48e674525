"""Ingest takes nothing for a log whose processor could never store it here."""

import asyncio
import contextlib
import uuid
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ingest.server import run_ingest
from roomstate.ports import free_port
from storage.event_log import LogMismatch
from storage.migrate import migrate
from storage.ownership import claim
from storage.store import Store, StoreRefused
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import settings_for
from tests.ingest.test_group_commit import wait_until
from tests.ingest.test_server import a_process
from tests.storage.rows_builder import NOON_MS

FUTURE = "INSERT INTO schema_migrations SELECT 999, '0999_future', checksum, applied_at FROM schema_migrations LIMIT 1"


async def claimed(url: str) -> None:
    await migrate(url)
    async with await Store.connect(url) as store:
        await claim(store, [0], "somebody", "another-log", NOON_MS)


async def renewed(url: str) -> None:
    async with await Store.connect(url) as store:
        await store.command(FUTURE)


def starting(folder: Path, url: str) -> None:
    run_ingest(settings_for(folder).model_copy(update={"store_url": SecretStr(url), "port": free_port()}))


def test_the_store_of_another_log_ends_the_start(tmp_path: Path, store_database: str) -> None:
    asyncio.run(claimed(store_database))
    with pytest.raises(LogMismatch, match="another-log"):
        starting(tmp_path, store_database)


def test_a_newer_schema_ends_the_start(tmp_path: Path, store_database: str) -> None:
    asyncio.run(renewed(store_database))
    with pytest.raises(StoreRefused, match="start the newer program"):
        starting(tmp_path, store_database)


def test_a_store_that_turns_out_to_be_another_logs_ends_it(
    tmp_path: Path, store_database: str, embedded_store: EmbeddedStore
) -> None:
    asyncio.run(claimed(store_database))
    database, later = store_database.rpartition("/")[2], f"test_{uuid.uuid4().hex[:12]}"
    with a_process(tmp_path, STORE_URL=embedded_store.url(later)) as running:
        embedded_store.run(f"RENAME DATABASE {database} TO {later}")
        with contextlib.suppress(httpx.TransportError):
            assert httpx.get(f"{running.url}/v1/rooms").status_code == 503
        wait_until(lambda: running.process.poll() is not None)
        assert running.process.returncode == 1
        assert "the store holds facts of log another-log" in (tmp_path / "ingest.log").read_text()
    embedded_store.run(f"DROP DATABASE {later} SYNC")
