"""A TCP proxy before the store that does to inserts what networks do to them.

It passes bytes both ways; only the next inserts into the landing table meet the fault that was asked for.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from storage.columns import LANDING_TABLE

_INSERT: Final = b"INSERT"
_TABLE: Final = LANDING_TABLE.encode()
_CHUNK_BYTES: Final = 1 << 16


class InsertFault(StrEnum):
    """What may happen to an insert on its way."""

    CUT_BEFORE = "cut before the store has it"
    CUT_WITHIN = "cut in the middle of its rows"
    CUT_AFTER = "cut after the store has done it"
    NO_ANSWER = "never answered, though the store has done it"


class StoreProxy:
    """Stands before one store; each fault that is asked for happens to one insert."""

    def __init__(self, store_url: str) -> None:
        self._parts = urlsplit(store_url)
        self._host, self._port = self._parts.hostname or "", self._parts.port or 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()
        self._due: list[InsertFault] = []
        self.faults_done = 0

    @property
    def url(self) -> str:
        """The store's URL, through this proxy."""
        if self._server is None:
            raise AssertionError("the proxy does not run")
        return _at_port(self._parts, self._server.sockets[0].getsockname()[1])

    def break_next(self, fault: InsertFault, times: int = 1) -> None:
        """Let the fault happen to so many of the next inserts."""
        self._due += [fault] * times

    def release(self) -> None:
        """Let no more faults happen, and break the connections that wait for an answer in vain."""
        self._due.clear()
        self._released.set()
        self._released = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["StoreProxy"]:
        """Serve."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("a connection is served by a task")
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError):
                await self._pass_on(reader, writer)
        except asyncio.CancelledError:
            pass  # told to end; asyncio would log it as a failure
        finally:
            self._connections.discard(task)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_connection(self._host, self._port)
        met: list[InsertFault] = []
        both = {
            asyncio.create_task(self._to_store(reader, store_writer, met)),
            asyncio.create_task(self._to_client(store_reader, writer, met)),
        }
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for copying in both:
                copying.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            store_writer.close()

    async def _to_store(
        self, reader: asyncio.StreamReader, store: asyncio.StreamWriter, met: list[InsertFault]
    ) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            if self._due and _INSERT in chunk and _TABLE in chunk:
                fault = self._due.pop(0)
                met.append(fault)
                self.faults_done += 1
                if fault is InsertFault.CUT_BEFORE:
                    return
                if fault is InsertFault.CUT_WITHIN:
                    store.write(chunk[: _middle(chunk)])
                    await store.drain()
                    return
            store.write(chunk)
            await store.drain()

    async def _to_client(
        self, store: asyncio.StreamReader, writer: asyncio.StreamWriter, met: list[InsertFault]
    ) -> None:
        while chunk := await store.read(_CHUNK_BYTES):
            if InsertFault.CUT_AFTER in met:
                return
            if InsertFault.NO_ANSWER in met:
                await self._released.wait()
                return
            writer.write(chunk)
            await writer.drain()


def _middle(chunk: bytes) -> int:
    """Return where to cut: within the body if some of it is there, else within the head."""
    body = chunk.find(b"\r\n\r\n") + 4
    return (body + len(chunk)) // 2 if 4 < body < len(chunk) else len(chunk) // 2


def _at_port(parts: SplitResult, port: int) -> str:
    user, _, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{port}"))
