"""Migrations that end anywhere, by a kill of whoever runs them or of the store: the next run makes the whole schema."""

import asyncio
import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from roomstate.ports import free_port
from storage.migrate import migrate, read_migrations
from storage.retention import retention_days
from storage.store import Store, StoreUnavailable
from tests.fixtures_store import EmbeddedStore

SCHEMA = """
SELECT name, replaceAll(create_table_query, concat(currentDatabase(), '.'), '')
FROM system.tables WHERE database = currentDatabase() ORDER BY name
"""
RECORD = "SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number"
KILLS = 3


class Killed(BaseException):
    """The end of the process that migrates."""


async def schema_of(url: str) -> list[tuple[Any, ...]]:
    async with await Store.connect(url) as store:
        return [*await store.rows(SCHEMA), *await store.rows(RECORD)]


async def test_every_statement_may_run_again(store_database: str) -> None:
    whole = await schema_of(store_database)
    async with await Store.connect(store_database) as store:
        for migration in read_migrations(is_embedded=True):
            for statement in migration.statements:
                await store.command(statement)
    assert await schema_of(store_database) == whole


async def test_a_run_killed_between_any_two_statements_is_completed(
    embedded_store: EmbeddedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_two.sql").write_text(
        "CREATE TABLE IF NOT EXISTS room_events (judged_at DateTime) ENGINE = MergeTree ORDER BY judged_at;\n"
        "ALTER TABLE room_events ADD COLUMN IF NOT EXISTS at DateTime;\n"
    )
    (tmp_path / "0002_one.sql").write_text(
        "CREATE OR REPLACE VIEW days AS SELECT toDate(at) AS day FROM room_events;\n"
    )
    command = Store.command
    left = 0

    async def killed(store: Store, sql: str, parameters: Any = None) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        await command(store, sql, parameters)

    # The database, the record's table, each migration's statements and its line in the record, and the retention.
    for done in range(2 + 3 + 2 + 1):
        url = embedded_store.url(f"cut_{done}")
        with monkeypatch.context() as patched:
            patched.setattr(Store, "command", killed)
            left = done
            with pytest.raises(Killed):
                await migrate(url, 7, tmp_path)
        await migrate(url, 7, tmp_path)
        async with await Store.connect(url) as store:
            assert await store.rows(RECORD.replace(", checksum", "")) == [(1, "0001_two"), (2, "0002_one")]
            assert await store.rows("SELECT count() FROM days") == [(0,)]
            assert await retention_days(store) == 7
        embedded_store.run(f"DROP DATABASE cut_{done} SYNC")


async def test_a_store_killed_under_a_migration_is_migrated_afterwards(store_database: str, tmp_path: Path) -> None:
    whole = await schema_of(store_database)
    store = EmbeddedStore(tmp_path / "store", free_port())
    store.start()
    try:
        for kill in range(KILLS):
            url = store.url(f"killed_{kill}")
            migrating = asyncio.create_task(migrate(url))
            await asyncio.sleep(random.uniform(0.0, 0.4))
            store.kill()
            with contextlib.suppress(StoreUnavailable):
                await migrating
            await asyncio.to_thread(store.start)
            await migrate(url)
            assert await schema_of(url) == whole
    finally:
        store.stop()
