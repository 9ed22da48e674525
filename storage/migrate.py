"""Brings a store's schema up to what this program knows: numbered plain SQL files, forward only.

Each file is applied once and recorded in `schema_migrations` with its checksum. ClickHouse has no transactions over
DDL, so every statement of a file must be one that may run twice (IF NOT EXISTS, OR REPLACE): a migration that was cut
off, or that two programs run at once, is simply run again. The retention is no migration but a setting, applied last.
"""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

from storage.clock import now_ms
from storage.store import Store, StoreRefused

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_TTL_DAYS = re.compile(r"\bTTL toDate\(judged_at\) \+ toIntervalDay\((\d+)\)")
_ATTEMPTS = 3
_CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class MigrationError(Exception):
    """The store's schema can't be brought to this program's; one line that says what to do."""


class Migration(NamedTuple):
    """One file of SQL."""

    number: int
    name: str
    checksum: str
    statements: tuple[str, ...]


def read_migrations(folder: Path = MIGRATIONS_DIR) -> list[Migration]:
    """Return the migrations of a folder in order.

    Raises: MigrationError if a file's name does not fit or a number is missing or double.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_what_it_does.sql")
        text = path.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(int(match[1]), path.stem, checksum, split_statements(text)))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3, … without gap; found {numbers}")
    return found


def split_statements(text: str) -> tuple[str, ...]:
    """Return the statements of a file: separated by `;` at a line's end, lines of comment left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    statements = (part.strip() for part in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)))
    return tuple(statement for statement in statements if statement)


async def migrate(url: str, retention_days: int = 0, folder: Path = MIGRATIONS_DIR) -> list[str]:
    """Create the database if it is missing, apply what is not applied yet, and return the names of what was.

    Raises: MigrationError; StoreUnavailable, StoreRefused from the store.
    """
    migrations = read_migrations(folder)
    await _create_database(url)
    async with await Store.connect(url, timeout_s=120.0) as store:
        await store.command(_CREATE_RECORD)
        _check(await _recorded(store), migrations, store.database)
        applied = [migration.name for migration in migrations if await _apply(store, migration)]
        await _set_retention(store, retention_days)
    return applied


async def retention_days(store: Store) -> int:
    """Return for how many days the store keeps facts; 0 = for ever."""
    rows = await store.rows(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = 'room_events'"
    )
    match = _TTL_DAYS.search(rows[0][0]) if rows else None
    return int(match[1]) if match else 0


async def _create_database(url: str) -> None:
    async with await Store.connect(url, database="default") as store:
        name = Store.database_of(url)
        if not await store.rows("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": name}):
            await store.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(name)}")


async def _recorded(store: Store) -> dict[int, tuple[str, str]]:
    rows = await store.rows("SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number")
    return {number: (name, checksum) for number, name, checksum in rows}


def _check(recorded: dict[int, tuple[str, str]], migrations: list[Migration], database: str) -> None:
    """Refuse a schema that is newer than the program, or that was made by another text of a migration."""
    newest = max(recorded, default=0)
    if newest > len(migrations):
        raise MigrationError(
            f"database {database} has schema {newest} ({recorded[newest][0]}), this program knows {len(migrations)}: "
            "start the newer program"
        )
    for migration in migrations:
        name, checksum = recorded.get(migration.number, (migration.name, migration.checksum))
        if checksum != migration.checksum:
            raise MigrationError(
                f"migration {migration.name} differs from {name}, which database {database} was made with: "
                "restore that file and put the change into a new migration"
            )


async def _apply(store: Store, migration: Migration) -> bool:
    """Apply one migration unless it is recorded, and tell whether it was applied here.

    A statement may be refused because another program runs the same one; then what stands is looked at again.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        if migration.number in await _recorded(store):
            return False
        try:
            for statement in migration.statements:
                await store.command(statement)
        except StoreRefused as error:
            if attempt == _ATTEMPTS:
                raise MigrationError(f"migration {migration.name} failed: {error}") from error
            await asyncio.sleep(0.2 * attempt)
        else:
            break
    await store.command(
        "INSERT INTO schema_migrations (number, name, checksum, applied_at) SELECT "
        "{number:UInt32}, {name:String}, {checksum:String}, fromUnixTimestamp64Milli({at:Int64}, 'UTC')",
        {"number": migration.number, "name": migration.name, "checksum": migration.checksum, "at": now_ms()},
    )
    return True


async def _set_retention(store: Store, days: int) -> None:
    """Make the base table forget whole days after `days`; 0 = never. Does nothing if it is so already."""
    if await retention_days(store) == days:
        return
    if days:
        await store.command(f"ALTER TABLE room_events MODIFY TTL toDate(judged_at) + INTERVAL {int(days)} DAY")
    else:
        await store.command("ALTER TABLE room_events REMOVE TTL")


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
