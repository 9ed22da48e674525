"""Runs a person's SQL on the store: in any of ClickHouse's formats as it comes, or as a readable table."""

from collections.abc import AsyncIterator
from typing import Any

from rich.table import Table
from rich.text import Text

from storage.store import Store

_CELL_MAX = 200


async def query_bytes(store: Store, sql: str, output_format: str) -> AsyncIterator[bytes]:
    """Yield the answer in the format, chunk by chunk.

    Raises: StoreUnavailable, StoreRefused.
    """
    async for chunk in store.stream_bytes(sql.strip().rstrip(";"), output_format or None):
        yield chunk


async def query_table(store: Store, sql: str, rows_max: int = 1000) -> tuple[Table, int]:
    """Return the answer as a table of at most `rows_max` rows, and how many rows there are in all.

    Raises: StoreUnavailable, StoreRefused.
    """
    names, rows = await store.named_rows(sql.strip().rstrip(";"))
    table = Table(header_style="bold")
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(names))]
    for name, is_number in zip(names, numeric, strict=True):
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows[:rows_max]:
        table.add_row(*(Text(_shown(value)) for value in row))
    return table, len(rows)


def _shown(value: Any) -> str:
    """Return the value as a person reads it; control characters can't play with the terminal."""
    if value is None:
        return "NULL"
    if hasattr(value, "isoformat"):
        text = value.isoformat(sep=" ", timespec="milliseconds") if hasattr(value, "hour") else value.isoformat()
        text = text.removesuffix("+00:00")
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    else:
        text = str(value)
    text = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
    return text if len(text) <= _CELL_MAX else f"{text[:_CELL_MAX]}…"
