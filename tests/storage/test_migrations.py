"""Migrations: what they make, and what they refuse."""

import asyncio
from pathlib import Path

import pytest

from state_machine.vocabulary import FAMILIES, ROOM_KINDS
from storage.columns import COLUMN_TYPES, ROW_SCHEMA
from storage.migrate import MIGRATIONS_DIR, MigrationError, migrate, read_migrations, split_statements
from storage.retention import retention_days
from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.storage.migrated_schema import MigratedSchema

TIME = "DateTime64(3, 'UTC')"
WORD = "LowCardinality(String)"
COLUMNS_OF_INTERFACES = {
    **dict.fromkeys(("kind", "fact", "verdict", "reason"), WORD),
    **dict.fromkeys(("fact_index", "rule_version", "log_partition"), "UInt16"),
    **dict.fromkeys(
        ("room_id", "session_id", "user_id", "event", "state", "prev_state", "input_id", "extra"), "String"
    ),
    **dict.fromkeys(("connections", "send_streams", "recv_streams"), "UInt32"),
    **dict.fromkeys(("prev_connections", "prev_send_streams", "prev_recv_streams"), "UInt32"),
    **dict.fromkeys(("log_index", "frame_inputs"), "UInt32"),
    **dict.fromkeys(("bytes_sent", "bytes_recv", "client_seq", "log_offset", "epoch", "session_number"), "UInt64"),
    **dict.fromkeys(("opened_at", "prev_since", "lease_ends_at"), TIME),
    **dict.fromkeys(("occurred_at", "received_at", "at", "judged_at", "inserted_at"), TIME),
    **dict.fromkeys(("device_type", "service", "app", "user_agent"), WORD),
    "client_ip": "String",
    "moved": "Bool",
    "room_kind": "Enum8('call' = 1, 'account' = 2, 'stream' = 3)",
}
VIEW_COLUMNS = {
    "state_intervals": "room_kind, room_id, session_id, state, entered_at, left_at, duration_ms, entered_by, "
    "next_state",
    "sessions": "room_kind, room_id, session_id, user_id, opened_at, closed_at, close_reason, first_send_at, "
    "first_recv_at, first_two_way_at, media_ms, two_way_ms, peak_connections, peak_send_streams, peak_recv_streams, "
    "statuses, violations, last_state, device_type, user_agent",
    "live_sessions": "room_kind, room_id, session_id, user_id, state, connections, send_streams, recv_streams, "
    "opened_at, last_seen_at, lease_ends_at, app, service, device_type, client_ip, user_agent, bytes_sent, bytes_recv, "
    "session_number, protocol, state_since",
    "live_rooms": "room_kind, room_id, sessions, init, waiting, starting, sending, receiving, sendrecv, cleanup, other",
    "rooms": "room_kind, room_id, created_at, first_activity_at, last_activity_at, sessions, peak_sessions, "
    "two_way_ms, deleted_at",
    "minute_stats": "minute, room_kind, kind, fact, verdict, reason, state, facts",
    "violations": "at, room_id, session_id, event, prev_state, state, prev_connections, prev_send_streams, "
    "prev_recv_streams, connections, send_streams, recv_streams, reason, user_agent",
    "dead_letters": "log_partition, log_offset, log_index, bytes, reason, at",
    "ledger": "log_partition, first_offset, last_offset, inputs, facts, dead_letters, epoch, judged_at",
    "accounting": "log_partition, frames, first_offset, last_offset, accepted, stored, dead_lettered",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may spoil."""
    for path in MIGRATIONS_DIR.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    return tmp_path


async def columns_of(store: Store, table: str) -> dict[str, str]:
    rows = await store.rows(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "ORDER BY position",
        {"table": table},
    )
    return {str(name): str(kind) for name, kind in rows}


async def test_a_second_run_applies_nothing(empty_database: str) -> None:
    assert await migrate(empty_database) == [migration.name for migration in read_migrations()]
    assert await migrate(empty_database) == []


async def test_a_missing_database_is_made_whatever_its_name(empty_database: str) -> None:
    url = f"{empty_database}%20it%27s%60new"
    assert await migrate(url)
    async with await Store.connect(url) as store:
        assert await store.rows("SELECT count() FROM room_events") == [(0,)]
        await store.command("DROP DATABASE " + "`" + store.database.replace("`", "\\`") + "`")


async def test_two_runs_at_once_leave_one_whole_schema(empty_database: str) -> None:
    applied = await asyncio.gather(migrate(empty_database), migrate(empty_database))
    names = [migration.name for migration in read_migrations()]
    assert sorted(set(applied[0] + applied[1])) == names
    async with await Store.connect(empty_database) as store:
        recorded = await store.rows("SELECT name FROM schema_migrations FINAL ORDER BY number")
        assert [name for (name,) in recorded] == names
        assert await store.rows("SELECT count() FROM live_sessions") == [(0,)]


async def test_a_run_that_was_cut_off_is_completed(empty_database: str, folder: Path) -> None:
    for later in sorted(folder.glob("*.sql"))[1:]:
        later.unlink()
    await migrate(empty_database, folder=folder)
    async with await Store.connect(empty_database) as store:
        await store.command(read_migrations()[1].statements[0])
    assert await migrate(empty_database) == [migration.name for migration in read_migrations()[1:]]


async def test_room_events_has_the_columns_of_the_interfaces(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        found = await columns_of(store, "room_events")
    families = found.pop("event_family")
    assert found == COLUMNS_OF_INTERFACES
    assert families.startswith("Enum8(")
    assert [word.split("'")[1] for word in families.removeprefix("Enum8(").split(", ")] == list(FAMILIES)
    assert all(f"'{kind}'" in found["room_kind"] for kind in ROOM_KINDS)


async def test_a_writer_gives_every_column_but_the_time_of_insertion_in_table_order(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        table = list(await columns_of(store, "room_events"))
        landing = list(await columns_of(store, "room_events_landing"))
    table.remove("inserted_at")
    assert list(COLUMN_TYPES) == ROW_SCHEMA.names == landing == table


@pytest.mark.parametrize("view", VIEW_COLUMNS)
async def test_a_view_has_the_columns_of_the_interfaces(store_database: str, view: str) -> None:
    async with await Store.connect(store_database) as store:
        found = list(await columns_of(store, view))
    wanted = VIEW_COLUMNS[view].split(", ")
    assert found[: len(wanted)] == wanted


async def test_a_changed_migration_is_refused(empty_database: str, folder: Path) -> None:
    await migrate(empty_database, folder=folder)
    path = folder / "0003_views.sql"
    path.write_text(path.read_text() + "\n-- changed\n")
    with pytest.raises(MigrationError, match=r"0003_views differs .* put the change into a new migration"):
        await migrate(empty_database, folder=folder)


async def test_a_schema_newer_than_the_program_is_refused(empty_database: str, folder: Path) -> None:
    newest = len(read_migrations()) + 1
    (folder / f"{newest:04d}_from_the_future.sql").write_text("SELECT 1;\n")
    await migrate(empty_database, folder=folder)
    with pytest.raises(MigrationError, match=f"has schema {newest} .*from_the_future.* start the newer program"):
        await migrate(empty_database)


async def test_a_migration_that_fails_is_named_and_not_recorded(empty_database: str, folder: Path) -> None:
    number = len(read_migrations()) + 1
    path = folder / f"{number:04d}_wrong.sql"
    path.write_text("SELECT 1;\nCREATE TABLE room_events_wrong (x Nonsense) ENGINE = MergeTree ORDER BY x;\n")
    with pytest.raises(MigrationError, match="_wrong failed: the store refused it"):
        await migrate(empty_database, folder=folder)
    path.write_text("SELECT 1;\n")
    assert await migrate(empty_database, folder=folder) == [f"{number:04d}_wrong"]


async def test_retention_follows_the_setting(empty_database: str) -> None:
    for days in (30, 30, 7, 0):
        await migrate(empty_database, retention_days=days)
        async with await Store.connect(empty_database) as store:
            assert await retention_days(store) == days


@pytest.mark.parametrize(("name", "reason"), [("1_first.sql", "named NNNN"), ("0099_gap.sql", "without gap")])
def test_a_wrongly_named_migration_is_refused(folder: Path, name: str, reason: str) -> None:
    (folder / name).write_text("SELECT 1;\n")
    with pytest.raises(MigrationError, match=reason):
        read_migrations(folder)


def test_statements_end_at_a_semicolon_at_the_end_of_a_line() -> None:
    text = "-- a comment; with\n\nCREATE a AS SELECT ';' AS b;\n  -- another\nCREATE c\n(\n  d\n);  \n\n-- end\n"
    assert split_statements(text) == ("CREATE a AS SELECT ';' AS b", "CREATE c\n(\n  d\n)")


def test_the_schema_that_tests_work_on_is_what_the_migrations_make(
    embedded_store: EmbeddedStore, store_database: str
) -> None:
    copied = store_database.rpartition("/")[2]
    schemas = [
        embedded_store.run(
            f"SELECT name, replaceAll(create_table_query, '{name}.', '') FROM system.tables "
            f"WHERE database = '{name}' ORDER BY name"
        )
        for name in (MigratedSchema.DATABASE, copied)
    ]
    assert schemas[0] == schemas[1]
    assert schemas[0].count(b"\n") > 10
