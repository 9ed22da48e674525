"""Makes one part of each day, as the store itself does an hour after the day (storage/embedded/quiet_partitions.py)."""

from collections.abc import Callable
from typing import Final

from storage.store import Store

_DAYS: Final = """
SELECT DISTINCT partition
FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'room_events'
ORDER BY partition"""
_PROJECTIONS: Final = "SELECT name FROM system.projections WHERE database = currentDatabase() AND table = 'room_events'"


async def days_of(store: Store) -> list[str]:
    """Return the days that have rows, by name, the oldest first."""
    return [day for (day,) in await store.rows(_DAYS)]


async def merge(store: Store, days: list[str], progress: Callable[[str], None]) -> None:
    """Make one part of each of the days; parts that have no projections yet get them first."""
    made = ", ".join([f"MATERIALIZE PROJECTION {name}" for (name,) in await store.rows(_PROJECTIONS)])
    await store.command(f"ALTER TABLE room_events {made} SETTINGS mutations_sync = 1")
    for day in days:
        progress(f"{day} becomes one part")
        await store.command(f"OPTIMIZE TABLE room_events PARTITION '{day}' FINAL SETTINGS optimize_throw_if_noop = 1")
