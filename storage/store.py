"""The one client of every store, embedded or not: asynchronous ClickHouse over HTTP, through clickhouse-connect.

What it adds: our errors (storage.store_errors), inserts that are one block, one part and never sent twice, and
nothing else; SQL stays with whoever asks. clickhouse-connect repeats an insert by itself when a connection breaks, even
if the store had applied it, unless the body can't be read again: that is why bodies go out as a file (`raw_insert`) and
not through its `insert_arrow`.
"""

import asyncio
import io
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import pyarrow
from clickhouse_connect.driver.asyncclient import AsyncClient

from storage.cluster import Cluster
from storage.sharded_insert import insert_by_shard
from storage.store_client import DRIVER_ERRORS, open_client
from storage.store_errors import (
    InsertUncertain,
    ReplicasBusy,
    StaleEpoch,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    translate,
)
from storage.store_url import parse_store_url

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
_REPLICAS_PATIENCE_S = 5.0
"""For so long a statement is tried again that a cluster's replicas only made wait."""

Parameters = Mapping[str, Any]
_Result = TypeVar("_Result")


class Store:
    """A small pool of connections to one database; used from the event loop that connected it.

    Parameters are ClickHouse's own: `{name:Type}` in the SQL, values by name.
    Raises (every method): StoreUnavailable, StoreRefused.
    """

    def __init__(
        self, client: AsyncClient, where: str, database: str, timeout_s: float, cluster: Cluster | None = None
    ) -> None:
        self._client = client
        self._where = where
        self._timeout_s = timeout_s
        self.database = database
        self.cluster = cluster
        """The cluster that the store is; None = a single server."""

    @classmethod
    async def connect(
        cls, url: str, database: str | None = None, timeout_s: float = 30.0, connections: int = 8
    ) -> Self:
        """Connect to a store's URL (storage.store_url); `database` overrides the URL's.

        Units: `timeout_s` bounds each query and insert (not streams).
        """
        try:
            address = parse_store_url(url)
        except ValueError as error:
            raise StoreRefused(0, f"the store's URL: {error}") from None
        name = database or address.database
        client, cluster = await open_client(address, name, timeout_s, connections)
        return cls(client, address.where, name, timeout_s, cluster)

    async def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query; times come as aware UTC datetimes."""
        return (await self.named_rows(sql, parameters))[1]

    async def named_rows(
        self, sql: str, parameters: Parameters | None = None, settings: Mapping[str, Any] | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and all rows of a query."""
        result = await self._done(
            lambda: self._client.query(sql, parameters=dict(parameters or {}), settings=dict(settings or {}))
        )
        return list(result.column_names), [tuple(row) for row in result.result_rows]

    async def dicts(self, sql: str, parameters: Parameters | None = None) -> list[dict[str, Any]]:
        """Return all rows of a query, each by column name."""
        names, rows = await self.named_rows(sql, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def arrow(self, sql: str, parameters: Parameters | None = None) -> pyarrow.Table:
        """Return all rows of a query as an Arrow table, strings as strings."""
        return await self._done(
            lambda: self._client.query_arrow(sql, parameters=dict(parameters or {}), use_strings=True)
        )

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

    async def stream_bytes(
        self, sql: str, output_format: str | None, parameters: Parameters | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a query's answer in any of ClickHouse's formats (None: as the SQL itself says)."""
        async with self._translated(bounded=False):
            stream = await self._client.raw_stream(sql, parameters=dict(parameters or {}), fmt=output_format)
            async with stream:
                async for chunk in stream:
                    yield cast(bytes, chunk)

    async def command(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run a statement that returns no rows."""
        await self._done(lambda: self._client.command(sql, parameters=dict(parameters or {})))

    async def insert(self, table_name: str, table: pyarrow.Table) -> None:
        """Insert the table's columns as one block; on return it is stored as one part, on disk.

        On a cluster there is one block, and one part, for each shard that the rows' log partitions belong to.
        Raises: StaleEpoch if the gate refused it; InsertUncertain if it, or a part of it, may have been applied;
        StoreUnavailable and StoreRefused if it surely was not.
        """
        if table.num_rows > INSERT_ROWS_MAX:
            raise ValueError(f"{table.num_rows} rows in one insert, at most {INSERT_ROWS_MAX} stay one part")
        cluster = self.cluster
        if cluster is None:
            await self._insert_block(table_name, table, _INSERT_SETTINGS)
            return

        async def insert(shard: int, block: pyarrow.Table) -> None:
            await self._insert_block(table_name, block, _INSERT_SETTINGS | cluster.insert_settings(shard))

        await insert_by_shard(table, cluster, insert)

    async def _insert_block(self, table_name: str, table: pyarrow.Table, settings: dict[str, Any]) -> None:
        body = await asyncio.to_thread(_arrow_stream, table)
        await self._done(
            lambda: self._client.raw_insert(
                table_name, table.column_names, io.BytesIO(body), settings=settings, fmt="ArrowStream"
            ),
            inserting=True,
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

    async def _done(self, ask: Callable[[], Awaitable[_Result]], *, inserting: bool = False) -> _Result:
        """Return what is asked for, asking again for a while if a cluster's replicas only need a moment."""
        give_up_at = time.monotonic() + _REPLICAS_PATIENCE_S
        while True:
            try:
                async with self._translated(inserting):
                    return await ask()
            except ReplicasBusy:
                if time.monotonic() > give_up_at:
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.05))

    @asynccontextmanager
    async def _translated(self, inserting: bool = False, bounded: bool = True) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s if bounded else None):
                yield
        except DRIVER_ERRORS as error:
            raise translate(error, self._where, inserting) from error


def _arrow_stream(table: pyarrow.Table) -> bytes:
    """Return the table as one record batch of an Arrow stream; compressed, a seventh of the bytes has to travel."""
    sink = pyarrow.BufferOutputStream()
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with pyarrow.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    return cast(bytes, sink.getvalue().to_pybytes())
