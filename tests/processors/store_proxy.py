"""A TCP proxy before the store that does to inserts what networks do to them."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

CUT_BEFORE = "cut before the store has it"
CUT_AFTER = "cut after the store has done it"
NO_ANSWER = "never answered, though the store has done it"

_INSERT = b"room_events_landing"


class StoreProxy:
    """Passes everything through, except the next insert if `fault` says so; each fault happens once."""

    def __init__(self, store_url: str) -> None:
        parts = urlsplit(store_url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._parts = parts
        self._loop = asyncio.new_event_loop()
        self._listening_port = 0
        self._is_ready = threading.Event()
        self.fault = ""
        self.faults_done = 0

    @property
    def url(self) -> str:
        """The store's URL, through this proxy."""
        user, _, _ = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{user}@127.0.0.1:{self._listening_port}"))

    @contextlib.contextmanager
    def running(self) -> Iterator["StoreProxy"]:
        """Serve in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        thread.start()
        self._is_ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._listening_port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        async with server:
            await self._stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self._host, self._port)
        fault: list[str] = []
        to_store = asyncio.create_task(self._to_store(reader, upstream_writer, fault))
        to_client = asyncio.create_task(self._to_client(upstream_reader, writer, fault))
        try:
            await asyncio.wait({to_store, to_client}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            to_store.cancel()
            to_client.cancel()
            for stream in (upstream_writer, writer):
                stream.close()

    async def _to_store(self, reader: asyncio.StreamReader, store: asyncio.StreamWriter, fault: list[str]) -> None:
        while chunk := await reader.read(65536):
            if self.fault and _INSERT in chunk and b"INSERT" in chunk:
                fault.append(self.fault)
                self.fault = ""
                self.faults_done += 1
                if fault == [CUT_BEFORE]:
                    return
            store.write(chunk)
            await store.drain()

    async def _to_client(self, store: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: list[str]) -> None:
        while chunk := await store.read(65536):
            if fault == [CUT_AFTER]:
                return
            if fault == [NO_ANSWER]:
                await self._stop.wait()
            writer.write(chunk)
            await writer.drain()
