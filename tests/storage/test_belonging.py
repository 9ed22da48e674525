"""Store, log and program are held against each other before anybody works."""

import pytest

from roomstate.ports import free_port
from storage.belonging import NOT_MIGRATED_CODES, require_belonging, require_belonging_if_there
from storage.event_log import LogMismatch
from storage.ownership import claim
from storage.store import Store, StoreRefused
from tests.fixtures_store import EmbeddedStore
from tests.storage.rows_builder import LOG_ID, NOON_MS

FUTURE = "INSERT INTO schema_migrations SELECT 999, '0999_future', checksum, applied_at FROM schema_migrations LIMIT 1"


async def test_a_store_of_this_log_and_schema_will_do(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await require_belonging(store, LOG_ID, is_writer=True)
        await claim(store, [0], "me", LOG_ID, NOON_MS)
        await require_belonging(store, LOG_ID, is_writer=True)
    await require_belonging_if_there(store_database, LOG_ID, 2.0)


async def test_a_store_of_another_log_is_refused(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await claim(store, [0], "me", LOG_ID, NOON_MS)
    with pytest.raises(LogMismatch, match=LOG_ID):
        await require_belonging_if_there(store_database, "another", 2.0)


async def test_a_newer_schema_is_refused(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await store.command(FUTURE)
        with pytest.raises(StoreRefused, match=r"schema 999 \(0999_future\), this program knows \d+: start the newer"):
            await require_belonging(store, LOG_ID)


async def test_who_writes_needs_a_user_that_may(store_database: str, embedded_store: EmbeddedStore) -> None:
    reader = embedded_store.analyst_url(store_database.rpartition("/")[2])
    async with await Store.connect(reader) as store:
        await require_belonging(store, LOG_ID)
        with pytest.raises(StoreRefused, match="it only reads"):
            await require_belonging(store, LOG_ID, is_writer=True)


async def test_a_store_that_is_away_or_has_no_schema_yet_is_none_to_refuse(empty_database: str) -> None:
    await require_belonging_if_there(empty_database, LOG_ID, 2.0)
    await require_belonging_if_there(f"http://nobody@127.0.0.1:{free_port()}/none", LOG_ID, 0.5)
    async with await Store.connect(empty_database) as store:
        with pytest.raises(StoreRefused) as refusal:
            await require_belonging(store, LOG_ID)
    assert refusal.value.code in NOT_MIGRATED_CODES
