"""Runs a person's SQL on the store: in any of ClickHouse's formats as it comes, or as a readable table."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from rich.table import Table
from rich.text import Text

from storage.store import Store

_CELL_MAX: Final = 200
_TABLE_FORMAT: Final = "JSONCompactStringsEachRowWithNamesAndTypes"
"""One JSON array of texts a line: names, types, then the values as ClickHouse shows them."""
_NULL: Final = "ᴺᵁᴸᴸ"
_NUMBERS: Final = ("UInt", "Int", "Float", "Decimal", "Nullable(UInt", "Nullable(Int", "Nullable(Float")


async def query_bytes(store: Store, sql: str, output_format: str) -> AsyncIterator[bytes]:
    """Yield the answer in the format ('' = as the SQL says), chunk by chunk.

    Raises: StoreUnavailable, StoreRefused.
    """
    async for chunk in store.stream_bytes(sql.strip().rstrip(";"), output_format or None):
        yield chunk


async def query_table(store: Store, sql: str, rows_max: int = 1000) -> tuple[Table, int]:
    """Return the answer as a table of at most `rows_max` rows, and how many rows there are in all.

    Guarantees: memory is bounded by `rows_max`.
    Raises: StoreUnavailable, StoreRefused.
    """
    table = Table(header_style="bold")
    names: list[str] = []
    lines = 0
    async for line in _lines(query_bytes(store, sql, _TABLE_FORMAT)):
        lines += 1
        if lines > rows_max + 2:
            continue
        # What is no UTF-8 (the bytes of a dead letter may be anything) is shown byte by byte.
        values = msgspec.json.decode(line.decode("utf-8", "backslashreplace"), type=list[str | None])
        if lines == 1:
            names = [_shown(name) for name in values]
        elif lines == 2:
            for name, kind in zip(names, values, strict=True):
                is_number = str(kind).startswith(_NUMBERS)
                table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
        else:
            table.add_row(*(Text(_shown(value)) for value in values))
    return table, max(lines - 2, 0)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


def _shown(value: str | None) -> str:
    """Return the value as a person reads it; control characters can't play with the terminal."""
    if value is None or value == _NULL:
        return "NULL"
    text = "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in value)
    return text if len(text) <= _CELL_MAX else f"{text[:_CELL_MAX]}…"
