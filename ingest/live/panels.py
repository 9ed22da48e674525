"""Asking the panels' questions: the very SQL of `dashboards/queries`, by somebody who only reads, within limits.

A few at a time: a page full of charts must not keep the store from those who answer clients.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ingest.store_gate import StoreGate
from storage.panels import Panel, panel_names, read_panel

_AT_ONCE: Final = 4
_SECONDS_MAX: Final = 4
LIMITS: Final[Mapping[str, Any]] = {
    "readonly": 2,
    "max_execution_time": _SECONDS_MAX,
    "max_memory_usage": 1 << 31,
    "max_result_rows": 100_000,
    "result_overflow_mode": "throw",
}
"""Settings of every such question: no change, so many seconds, bytes and rows."""
TOO_MUCH_CODES: Final = frozenset({159, 241, 396})
"""What the store answers to whom they stop: time, memory, rows of the result."""
_TIMES: Final = ("from", "to", "at")


class Panels:
    """Answers panels' questions."""

    def __init__(self, store: StoreGate) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._all: dict[str, Panel] = {name: read_panel(name) for name in panel_names()}

    def listed(self) -> list[dict[str, Any]]:
        """Return what there is to ask."""
        return [
            {"name": panel.name, "meaning": panel.meaning, "parameters": list(panel.parameters)}
            for panel in self._all.values()
        ]

    def named(self, name: str) -> Panel | None:
        """Return a panel."""
        return self._all.get(name)

    async def answer(self, panel: Panel, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the panel's columns and rows.

        Raises: StoreUnavailable, StoreRefused.
        """
        bound = {name: store_time(value) if name in _TIMES else value for name, value in values.items()}
        async with self._turns:
            columns, rows = await self._store.named_rows(panel.sql, bound, LIMITS)
        return {
            "name": panel.name,
            "meaning": panel.meaning,
            "parameters": {**values, **{name: _iso(values[name]) for name in _TIMES if name in values}},
            "columns": columns,
            "rows": rows,
        }


def store_time(epoch_ms: int) -> str:
    """Return the time as a DateTime64(3) parameter is written."""
    return f"{datetime.fromtimestamp(epoch_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}.{epoch_ms % 1000:03d}"


def _iso(epoch_ms: int) -> str:
    return f"{store_time(epoch_ms).replace(' ', 'T')}Z"
