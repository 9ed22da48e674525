"""A store with everything that dashboards show: a judged log of long ago, and people who are there now."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.clock import now_ms
from storage.store import Store
from tests.dashboards.like_grafana import Looking
from tests.dashboards.seeded import Seeded, an_afternoon, live_rows
from tests.fixtures_store import EmbeddedStore
from tests.roomstate.judged_log import JudgedLog
from tests.storage.migrated_schema import MigratedSchema
from tests.storage.rows_builder import put


async def _fill(url: str, folder: Path, now: int) -> None:
    judged = JudgedLog.in_folder(folder).fill([5] * 20)
    judged.log.close()
    async with await Store.connect(url) as store:
        await put(store, judged.rows)
        await put(store, an_afternoon(now))
        await put(store, live_rows(now))


@pytest.fixture(scope="module")
def seeded(
    embedded_store: EmbeddedStore, migrated_schema: MigratedSchema, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seeded]:
    """A database that tests only read."""
    name = "seen_by_grafana"
    now = now_ms()
    migrated_schema.create(embedded_store, name)
    folder = tmp_path_factory.mktemp("seeded")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_fill(embedded_store.url(name), folder, now))).result()
    everything = {"room_kind": "", "room": "", "user_agent": "", "session": "", "limit": "200"}
    yield Seeded(embedded_store, name, Looking(now - 3 * 3_600_000, now - 60_000, 60, everything), now)
    embedded_store.run(f"DROP DATABASE {name} SYNC")
