"""Whether the store's user may do all that migrations do, found out before any of it is done."""

from collections.abc import Iterable
from typing import Final

from storage.migration_text import quoted
from storage.store import Store

_ON_DATABASE: Final = (
    *("CREATE TABLE", "CREATE VIEW", "DROP VIEW", "ALTER TABLE", "ALTER VIEW MODIFY QUERY"),
    *("INSERT", "SELECT"),
)
_ON_A_CLUSTER: Final = ("CLUSTER", "REMOTE")


async def missing_rights(store: Store, database: str, *, exists: bool) -> str:
    """Return what the user lacks, as a person would grant it; '' = nothing. `exists` tells whether the database does.

    Raises: StoreUnavailable, StoreRefused.
    """
    wanted = [(right, f"{quoted(database)}.*") for right in _ON_DATABASE]
    if not exists:
        wanted.insert(0, ("CREATE DATABASE", f"{quoted(database)}.*"))
    if store.cluster is not None:
        wanted += [(right, "*.*") for right in _ON_A_CLUSTER]
    return await lacking(store, wanted)


async def lacking(store: Store, wanted: Iterable[tuple[str, str]]) -> str:
    """Return which of the rights, each with where, the user lacks, as a person would grant it; '' = none.

    Raises: StoreUnavailable, StoreRefused.
    """
    ((readonly,),) = await store.rows("SELECT toUInt64(getSetting('readonly'))")
    if readonly:
        return f"it only reads (setting readonly = {readonly})"
    missing: dict[str, list[str]] = {}
    for right, where in wanted:
        if await store.rows(f"CHECK GRANT {right} ON {where}") != [(1,)]:
            missing.setdefault(where, []).append(right)
    return "; ".join(f"GRANT {', '.join(rights)} ON {where}" for where, rights in missing.items())
