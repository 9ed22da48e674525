"""Brings a store's schema up to what this program knows: numbered plain SQL files, forward only.

Each file is applied once and recorded in `schema_migrations` with its checksum. ClickHouse has no transactions over
DDL, so every statement of a file must be one that may run twice (IF NOT EXISTS, OR REPLACE): a migration that was cut
off, or that two programs run at once, is simply run again. What becomes of old days is no migration but a setting,
applied last (`retention`).

On a cluster the same files make replicated tables on every server and one table over all shards (`migration_text`);
servers that joined later are given what the others have (`cluster_schema`). Before anything is changed it is checked
that the user may do all of it, and that the database was made for what the store is now.
"""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

from storage.clock import now_ms
from storage.cluster_schema import check_layout, complete_servers
from storage.migration_rights import missing_rights
from storage.migration_text import STANDING_FOR_ALL, ClusterNames, quoted, rendered
from storage.retention import set_retention
from storage.store import Store, StoreRefused
from storage.store_url import parse_store_url

MIGRATIONS_DIR: Final = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_ATTEMPTS = 3
_TIMEOUT_S = 120.0
_CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations{on_cluster}
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = {everywhere:ReplacingMergeTree(applied_at)}
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


def read_migrations(
    folder: Path = MIGRATIONS_DIR, names: ClusterNames | None = None, *, is_embedded: bool = False
) -> list[Migration]:
    """Return the migrations of a folder in order, as they are for one server or for a cluster.

    Raises: MigrationError if a file's name does not fit or a number is missing or double.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named NNNN_what_it_does.sql")
        text = path.read_text(encoding="utf-8")
        standing = rendered(text, names and STANDING_FOR_ALL, is_embedded=True)
        checksum = hashlib.sha256(standing.encode()).hexdigest()
        statements = split_statements(rendered(text, names, is_embedded=is_embedded))
        found.append(Migration(int(match[1]), path.stem, checksum, statements))
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
    names = await _prepared_database(url)
    async with await Store.connect(url, timeout_s=_TIMEOUT_S) as store:
        migrations = read_migrations(folder, names, is_embedded=names is None and await _is_embedded(store))
        await _check_layout(store)
        _check(await _recorded(store), migrations, store.database)
        if names is not None:
            await complete_servers(store, names)
        await store.command(rendered(_CREATE_RECORD, names))
        applied = [migration.name for migration in migrations if await _apply(store, migration)]
        await set_retention(store, retention_days, names)
    return applied


async def _prepared_database(url: str) -> ClusterNames | None:
    """See to it that the database is there and that the user may work on it; return the names of a cluster.

    Raises: MigrationError, StoreUnavailable, StoreRefused.
    """
    async with await Store.connect(url, database="default", timeout_s=_TIMEOUT_S) as store:
        name = parse_store_url(url).database
        names = ClusterNames(store.cluster.name, name) if store.cluster else None
        exists = bool(await store.rows("SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": name}))
        if missing := await missing_rights(store, name, exists=exists):
            raise MigrationError(f"the store's user may not do what a migration of {name} needs: {missing}")
        if names is not None or not exists:
            await store.command(rendered(f"CREATE DATABASE IF NOT EXISTS {quoted(name)}{{on_cluster}}", names))
    return names


def newer_schema(database: str, number: int, name: str, known: int) -> str:
    """Return how a program that knows fewer migrations is refused."""
    return f"database {database} has schema {number} ({name}), this program knows {known}: start the newer program"


async def _is_embedded(store: Store) -> bool:
    """Tell whether the store is the embedded one, by what only its engine has: the table function `python`."""
    return bool(await store.rows("SELECT 1 FROM system.table_functions WHERE lower(name) = 'python'"))


async def _check_layout(store: Store) -> None:
    """Refuse a database that was made for something else than the store is. Raises: MigrationError."""
    try:
        await check_layout(store)
    except StoreRefused as error:
        raise MigrationError(error.text) from error


async def _recorded(store: Store) -> dict[int, tuple[str, str]]:
    if await store.rows("EXISTS TABLE schema_migrations") == [(0,)]:
        return {}
    rows = await store.rows("SELECT number, name, checksum FROM schema_migrations FINAL ORDER BY number")
    return {number: (name, checksum) for number, name, checksum in rows}


def _check(recorded: dict[int, tuple[str, str]], migrations: list[Migration], database: str) -> None:
    """Refuse a schema that is newer than the program, or that was made by another text of a migration."""
    newest = max(recorded, default=0)
    if newest > len(migrations):
        raise MigrationError(newer_schema(database, newest, recorded[newest][0], len(migrations)))
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
