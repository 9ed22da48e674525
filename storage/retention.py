"""What becomes of a day of facts: when it is packed closer, and when it is forgotten. Both are the base table's TTL.

The retention is no part of the schema but a setting, and a table has one TTL: so both are set here, after migrations.
"""

import re
from typing import Final

from storage.migration_text import ClusterNames, rendered
from storage.store import Store

_PACKED_AS: Final = "ZSTD(15)"
"""Takes a fifth less room than ZSTD(3) and 28 µs a row, once (decision 0014)."""

_PACKED: Final = re.compile(rf"toDate\(judged_at\) \+ toIntervalDay\(\d+\) RECOMPRESS CODEC\({re.escape(_PACKED_AS)}\)")
_FORGOTTEN: Final = re.compile(r"toDate\(judged_at\) \+ toIntervalDay\((\d+)\)(?! RECOMPRESS)")


async def retention_days(store: Store) -> int:
    """Return for how many days the store keeps facts; 0 = for ever."""
    return _forgotten_after_days(await _definition(store))


async def set_retention(store: Store, days: int, names: ClusterNames | None) -> None:
    """Make the base table pack whole days when they are over and forget them after `days`; 0 = never.

    Does nothing if it is so already.
    """
    definition = await _definition(store)
    if _PACKED.search(definition) and _forgotten_after_days(definition) == days:
        return
    change = f"MODIFY TTL {packing()}"
    if days:
        change += f", toDate(judged_at) + INTERVAL {int(days)} DAY"
    await store.command(rendered(f"ALTER TABLE room_events{{_local}}{{on_cluster}} {change}", names))


def packing(after_days: int = 1) -> str:
    """Return the part of the TTL that packs a day closer, so many days after it began."""
    return f"toDate(judged_at) + INTERVAL {after_days} DAY RECOMPRESS CODEC({_PACKED_AS})"


def _forgotten_after_days(definition: str) -> int:
    match = _FORGOTTEN.search(definition)
    return int(match[1]) if match else 0


async def _definition(store: Store) -> str:
    """Return the statement that would make the table that holds the facts, or '' where there is none."""
    rows = await store.rows(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": "room_events_local" if store.cluster else "room_events"},
    )
    return str(rows[0][0]) if rows else ""
