"""`roomstate query`: connects, runs the SQL, prints."""

import sys

from rich.console import Console

from roomstate.addresses import reading_store_url
from roomstate.connecting import connected_store
from roomstate.query import query_bytes, query_table
from storage.settings import Settings


async def run_query(settings: Settings, sql: str, output_format: str, rows_max: int) -> None:
    """Print the answer: as a table, or in the format asked for as it comes.

    Raises: StoreUnavailable, StoreRefused.
    """
    async with await connected_store(settings, reading_store_url(settings)) as store:
        if output_format:
            async for chunk in query_bytes(store, sql, output_format):
                sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
            return
        table, rows = await query_table(store, sql, rows_max)
    console = Console(soft_wrap=not sys.stdout.isatty())
    console.print(table)
    if rows > rows_max:
        console.print(f"{rows_max} of {rows} rows; --rows shows more, --format all of them")
