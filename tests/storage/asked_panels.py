"""Asks the questions of `dashboards/queries/` as whoever shows them does."""

from datetime import datetime
from typing import Any

from storage.clock import now_ms
from storage.panels import read_panel
from storage.store import Store

MINUTE_MS = 60_000


def minutes_ago(minutes: int) -> int:
    """Return the beginning of a minute, in milliseconds."""
    return (now_ms() // MINUTE_MS - minutes) * MINUTE_MS


async def ask(store: Store, name: str, from_ms: int = 0, to_ms: int = 0, **given: Any) -> list[tuple[Any, ...]]:
    """Return the rows; times as integer milliseconds. Without `to_ms` the span is ten minutes."""
    panel = read_panel(name)
    span = {"from": f"{from_ms / 1000:.3f}", "to": f"{(to_ms or from_ms + 10 * MINUTE_MS) / 1000:.3f}"}
    rows = await store.rows(panel.sql, panel.values({"step_s": 60, "limit": 10, **span, **given}))
    return [tuple(_in_ms(value) for value in row) for row in rows]


def _in_ms(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value
