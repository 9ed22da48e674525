"""Whether store, log and program belong together: found out before anybody works with them.

A program that is older than the schema is refused when it starts; one that runs already goes on, which is what a
rolling upgrade needs. Source: design section 6.
"""

from typing import Final

from storage.columns import LANDING_TABLE
from storage.migrate import MIGRATIONS_DIR, newer_schema
from storage.migration_rights import lacking
from storage.migration_text import quoted
from storage.ownership import check_log
from storage.store import Store, StoreRefused, StoreUnavailable

_KNOWN_SCHEMA: Final = max(int(path.name.partition("_")[0]) for path in MIGRATIONS_DIR.glob("*.sql"))
"""The newest migration that comes with this program."""
NOT_MIGRATED_CODES: Final = frozenset({60, 81})
"""UNKNOWN_TABLE, UNKNOWN_DATABASE: the migrations have not run yet."""


async def require_belonging(store: Store, log_id: str, *, is_writer: bool = False) -> None:
    """Refuse a store of another log, of a newer schema, or, for who writes, one that takes no rows from its user.

    Raises: LogMismatch; StoreRefused, with a code of `NOT_MIGRATED_CODES` if there is no schema yet; StoreUnavailable.
    """
    await check_log(store, log_id, {}, {})
    rows = await store.rows("SELECT number, name FROM schema_migrations ORDER BY number DESC LIMIT 1")
    if rows and rows[0][0] > _KNOWN_SCHEMA:
        raise StoreRefused(0, newer_schema(store.database, rows[0][0], rows[0][1], _KNOWN_SCHEMA))
    if not is_writer:
        return
    wanted = [("INSERT", f"{quoted(store.database)}.{quoted(table)}") for table in (LANDING_TABLE, "owners")]
    if missing := await lacking(store, wanted):
        raise StoreRefused(0, f"the store's user may not do what a processor needs in {store.database}: {missing}")


async def require_belonging_if_there(url: str, log_id: str, timeout_s: float) -> None:
    """Refuse the store at the URL as `require_belonging` does; one that is away or not migrated yet is none to refuse.

    Raises: LogMismatch, StoreRefused.
    """
    try:
        async with await Store.connect(url, timeout_s=timeout_s, connections=1) as store:
            await require_belonging(store, log_id)
    except StoreUnavailable:
        return
    except StoreRefused as refusal:
        if refusal.code not in NOT_MIGRATED_CODES:
            raise
