"""A store elsewhere whose user may little: each part works with the rights that docs/operating.md names, and no more.

The engine has one user at a time, so a store is started for each part.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.accounting import read_accounting
from storage.columns import LANDING_TABLE
from storage.migrate import MigrationError, migrate
from storage.ownership import LogGap, Owner, accept_gap, claim, record_marks, stored_marks
from storage.restoring import last_decisions, named_rooms
from storage.store import Store, StoreRefused
from tests.storage.configured_store import ConfiguredStore, users_with
from tests.storage.filled_log import new_log
from tests.storage.rows_builder import LOG_ID, NOON_MS, Story, as_table
from tests.storage.test_migrations import VIEW_COLUMNS

MANUAL = Path(__file__).parents[2] / "docs" / "operating.md"
NOT_ALLOWED = 497


def grants_of(part: str) -> list[str]:
    """Return the GRANTs that the manual gives a part, as a configuration has them."""
    found = re.findall(rf"^GRANT .* TO {part};$", MANUAL.read_text(), re.MULTILINE)
    assert found, part
    return [str(grant).removesuffix(f" TO {part};") for grant in found if " CLUSTER" not in grant]


@contextmanager
def running(store: ConfiguredStore, grants: list[str], *, readonly: int = 0) -> Iterator[str]:
    """Run the store with a user of these rights; yield the URL of its database."""
    store.set_users(users_with(grants, readonly=readonly))
    store.start()
    try:
        yield store.url("roomstate")
    finally:
        store.stop()


@pytest.fixture
def store(tmp_path: Path) -> ConfiguredStore:
    return ConfiguredStore(tmp_path / "store", users="to be set")


async def test_each_part_needs_the_rights_of_the_manual_and_no_more(store: ConfiguredStore, tmp_path: Path) -> None:
    migrator = grants_of("migrator")
    with running(store, [*migrator, "GRANT SET DEFINER ON migrator"]) as url:
        assert await migrate(url, retention_days=30)
        assert await migrate(url, retention_days=0) == []
        # The manual's migrator is a user of its own, and its name stays in the gate.
        store.run("ALTER TABLE roomstate.room_events_gate MODIFY SQL SECURITY DEFINER DEFINER = migrator")
    with running(store, grants_of("processor")) as url:
        await work_as_a_processor(url)
        await be_refused(url, "INSERT INTO room_events (kind) SELECT 'forged'", "DROP TABLE room_events")
    with running(store, grants_of("ingest")) as url:
        await read_everything(url, tmp_path)
        await be_refused(url, f"INSERT INTO {LANDING_TABLE} (kind) SELECT 'forged'", "TRUNCATE TABLE owners")


async def work_as_a_processor(url: str) -> None:
    story = Story()
    story.open("s", NOON_MS).close(NOON_MS + 1)
    async with await Store.connect(url) as store:
        epochs = await claim(store, [0], "processor", LOG_ID, NOON_MS)
        await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[0]} for row in story.rows]))
        await record_marks(store, epochs, Owner("processor", LOG_ID, NOON_MS))
        await accept_gap(store, LogGap(1, 0, 3), NOON_MS)
        assert (await stored_marks(store, [0]))[0].offset == 1
        assert await store.rows("SELECT * FROM live_sessions") == []
        assert await last_decisions(store, [0], 5000, NOON_MS)
        await named_rooms(store, [("call", "room")])


async def read_everything(url: str, folder: Path) -> None:
    log = new_log(folder)
    try:
        async with await Store.connect(url) as store:
            for view in VIEW_COLUMNS:
                await store.rows(f"SELECT * FROM {view}")
            await read_accounting(store, log)
    finally:
        log.close()


async def be_refused(url: str, *statements: str) -> None:
    async with await Store.connect(url) as store:
        for statement in statements:
            with pytest.raises(StoreRefused) as caught:
                await store.command(statement)
            assert caught.value.code == NOT_ALLOWED


LACKS = [
    (["CREATE DATABASE", "SELECT"], "GRANT CREATE TABLE, .*INSERT ON `roomstate`"),
    (
        ["CREATE TABLE", "INSERT", "SELECT", "ALTER TABLE"],
        "GRANT CREATE DATABASE, DROP VIEW ON `roomstate`",
    ),
]


@pytest.mark.parametrize(("rights", "says"), LACKS)
async def test_a_migration_without_the_rights_names_them_and_changes_nothing(
    store: ConfiguredStore, rights: list[str], says: str
) -> None:
    with running(store, [f"GRANT {', '.join(rights)} ON roomstate.*", "GRANT SHOW ON *.*"]) as url:
        with pytest.raises(MigrationError, match=f"may not do what a migration of roomstate needs: {says}") as caught:
            await migrate(url)
        assert "\n" not in str(caught.value)
        assert store.run("SELECT count() FROM system.databases WHERE name = 'roomstate'") == b"0\n"


async def test_a_user_that_only_reads_is_told_so(store: ConfiguredStore) -> None:
    only_reads = pytest.raises(MigrationError, match=r"it only reads \(setting readonly = 2\)")
    with running(store, ["GRANT ALL ON *.*"], readonly=2) as url, only_reads:
        await migrate(url)
