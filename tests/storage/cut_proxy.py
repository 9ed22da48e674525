"""A TCP proxy that breaks connections on command: what lies between a client and a store on a bad day."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit


@dataclass
class CutProxy:
    """Passes bytes both ways, and as long as `is_cutting` says so of a request breaks the connection.

    `answer` None: the request reaches the store, its answer is withheld and the connection closed. Otherwise the store
    never sees the request and these bytes are the answer.
    """

    host: str
    port: int
    is_cutting: Callable[[bytes], bool] = lambda request: False
    answer: bytes | None = None
    stalls: bool = False
    """Instead of closing, never answer."""
    requests: list[bytes] = field(default_factory=list)
    """The first bytes of every request that was cut."""
    own_port: int = 0

    def url(self, store_url: str) -> str:
        """Return the store's URL, led through the proxy."""
        parts = urlsplit(store_url)
        netloc = parts.netloc.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{self.own_port}")
        return urlunsplit(parts._replace(netloc=netloc))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the client."""
        try:
            while head := await reader.read(1 << 20):
                if not self.is_cutting(head):
                    await self._pass_on(head, reader, writer)
                    return
                self.requests.append(head)
                await self._cut(head, reader, writer)
                if not self.stalls:
                    return
        finally:
            writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand one request and its answer through, then close: the next request is looked at anew."""
        store_reader, store_writer = await asyncio.open_connection(self.host, self.port)
        try:
            store_writer.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
            upstream = asyncio.create_task(_copy(reader, store_writer))
            await _read_answer(store_reader, writer)
            upstream.cancel()
        finally:
            store_writer.close()

    async def _cut(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
        elif not self.stalls:
            store_reader, store_writer = await asyncio.open_connection(self.host, self.port)
            store_writer.write(head)
            upstream = asyncio.create_task(_copy(reader, store_writer))
            await store_reader.readuntil(b"\r\n\r\n")
            upstream.cancel()
            store_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1 << 16):
        writer.write(chunk)


async def _read_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one answer until the store closes or its stated length is through."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
    lengths = [int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:")]
    if lengths:
        writer.write(await reader.readexactly(lengths[0]))
    else:
        while not (chunk := await reader.read(1 << 16)).endswith(b"0\r\n\r\n") and chunk:
            writer.write(chunk)
        writer.write(chunk)
    await writer.drain()


@asynccontextmanager
async def cut_proxy(store_url: str) -> AsyncIterator[CutProxy]:
    """Run a proxy before the store."""
    parts = urlsplit(store_url)
    proxy = CutProxy(str(parts.hostname), parts.port or 8123)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.own_port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
