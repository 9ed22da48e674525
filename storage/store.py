"""The one client of every store, embedded or not: asynchronous ClickHouse over HTTP, through clickhouse-connect.

What it adds: our errors (storage.store_errors), inserts that are one block, one part and never sent twice, and
nothing else; SQL stays with whoever asks. clickhouse-connect repeats an insert by itself when a connection breaks, even
if the store had applied it, unless the body can't be read again: that is why bodies go out as a file (`raw_insert`) and
not through its `insert_arrow`.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import SplitResult, unquote, urlsplit

import aiohttp
import pyarrow
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from storage.store_errors import InsertUncertain, StaleEpoch, StoreError, StoreRefused, StoreUnavailable, translate

__all__ = ["InsertUncertain", "StaleEpoch", "Store", "StoreError", "StoreRefused", "StoreUnavailable"]

INSERT_ROWS_MAX: Final = 1_000_000
"""An insert of more rows could be cut into several parts."""

_INSERT_SETTINGS: Final[dict[str, Any]] = {
    "async_insert": 0,
    # Answered only when done, with the exception code as a header whatever happens.
    "wait_end_of_query": 1,
    # One block, and so one part: there or not.
    "max_insert_block_size": INSERT_ROWS_MAX,
    "min_insert_block_size_rows": INSERT_ROWS_MAX,
    "min_insert_block_size_bytes": 1 << 40,
    "max_insert_threads": 1,
}
_DRIVER_ERRORS = (ClickHouseError, aiohttp.ClientError, OSError, TimeoutError)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_KEEPALIVE_S = 2.5
"""Shorter than any server's, so that an insert is not sent into a connection that the server is closing."""

Parameters = Mapping[str, Any]


class Store:
    """A small pool of connections to one database; used from the event loop that connected it.

    Parameters are ClickHouse's own: `{name:Type}` in the SQL, values by name.
    Raises (every method): StoreUnavailable, StoreRefused.
    """

    def __init__(self, client: AsyncClient, where: str, database: str, timeout_s: float) -> None:
        self._client = client
        self._where = where
        self._timeout_s = timeout_s
        self.database = database

    @classmethod
    async def connect(
        cls, url: str, database: str | None = None, timeout_s: float = 30.0, connections: int = 8
    ) -> Self:
        """Connect to `http[s]://user:password@host:port/database`; `database` overrides the URL's.

        Units: `timeout_s` bounds each query and insert (not streams).
        """
        parts = urlsplit(url)
        where, port = _address(parts)
        name = database or cls.database_of(url)
        try:
            async with asyncio.timeout(timeout_s):
                client = await create_async_client(
                    host=parts.hostname,
                    port=port,
                    interface=parts.scheme,
                    username=unquote(parts.username) if parts.username else None,
                    password=unquote(parts.password or ""),
                    database=name,
                    compress=parts.hostname not in _LOOPBACK,
                    connect_timeout=min(timeout_s, 5.0),
                    send_receive_timeout=timeout_s,
                    connector_limit=connections,
                    connector_limit_per_host=connections,
                    keepalive_timeout=_KEEPALIVE_S,
                    tz_mode="aware",
                    client_name="roomstate",
                )
        except _DRIVER_ERRORS as error:
            raise translate(error, where) from error
        return cls(client, where, name, timeout_s)

    @staticmethod
    def database_of(url: str) -> str:
        """Return the database that a store's URL names; `roomstate` if it names none."""
        return unquote(urlsplit(url).path.strip("/")) or "roomstate"

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query; times come as aware UTC datetimes."""
        return (await self.named_rows(sql, parameters))[1]

    async def named_rows(
        self, sql: str, parameters: Parameters | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and all rows of a query."""
        async with self._translated():
            result = await self._client.query(sql, parameters=dict(parameters or {}))
            return list(result.column_names), [tuple(row) for row in result.result_rows]

    async def dicts(self, sql: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """Return all rows of a query, each by column name."""
        names, rows = await self.named_rows(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def arrow(self, sql: str, parameters: Parameters | None = None) -> pyarrow.Table:
        """Return all rows of a query as an Arrow table, strings as strings."""
        async with self._translated():
            return await self._client.query_arrow(sql, parameters=dict(parameters or {}), use_strings=True)

    async def stream_rows(
        self, sql: str, parameters: Parameters | None = None, settings: Mapping[str, Any] | None = None
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Yield the rows of a query block by block, with bounded memory and no bound on the time."""
        async with self._translated(bounded=False):
            stream = await self._client.query_row_block_stream(
                sql, parameters=dict(parameters or {}), settings=dict(settings or {})
            )
            async with stream:
                async for block in stream:
                    yield [tuple(row) for row in block]

    async def stream_bytes(self, sql: str, output_format: str | None) -> AsyncIterator[bytes]:
        """Yield a query's answer in any of ClickHouse's formats (None: as the SQL itself says)."""
        async with self._translated(bounded=False):
            stream = await self._client.raw_stream(sql, fmt=output_format)
            async with stream:
                async for chunk in stream:
                    yield cast(bytes, chunk)

    async def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run a statement that returns no rows."""
        async with self._translated():
            await self._client.command(sql, parameters=dict(parameters or {}))

    async def insert(self, table_name: str, table: pyarrow.Table) -> None:
        """Insert the table's columns as one block; on return it is stored as one part, on disk.

        Raises: StaleEpoch if the gate refused it; InsertUncertain if it may have been applied; StoreUnavailable and
        StoreRefused if it surely was not.
        """
        if table.num_rows > INSERT_ROWS_MAX:
            raise ValueError(f"{table.num_rows} rows in one insert, at most {INSERT_ROWS_MAX} stay one part")
        body = await asyncio.to_thread(_arrow_stream, table)
        async with self._translated(inserting=True):
            await self._client.raw_insert(
                table_name, table.column_names, io.BytesIO(body), settings=_INSERT_SETTINGS, fmt="ArrowStream"
            )

    async def is_reachable(self) -> bool:
        """Tell whether the store answers `/ping` now."""
        return await self._client.ping(timeout=min(self._timeout_s, 3.0))

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @asynccontextmanager
    async def _translated(self, inserting: bool = False, bounded: bool = True) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s if bounded else None):
                yield
        except _DRIVER_ERRORS as error:
            raise translate(error, self._where, inserting) from error


def _address(parts: SplitResult) -> tuple[str, int]:
    """Return host and port of a store's URL, as shown and as used.

    Raises: StoreRefused if it is no such URL; the text does not repeat it, it may hold a password.
    """
    try:
        port = parts.port or (8443 if parts.scheme == "https" else 8123)
    except ValueError:
        port = 0
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port:
        raise StoreRefused(0, "the store's URL must be http[s]://user:password@host:port/database")
    return f"{parts.hostname}:{port}", port


def _arrow_stream(table: pyarrow.Table) -> bytes:
    """Return the table as one record batch of an Arrow stream; compressed, a seventh of the bytes has to travel."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with pyarrow.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    return cast(bytes, sink.getvalue().to_pybytes())
