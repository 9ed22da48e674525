"""A request's body, piece by piece, decoded; and the spool file that an insert's data go to.

A small body stays in memory until the thread that inserts it writes the file; a large one is written as it comes.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

from storage.embedded.content_coding import Decoder
from storage.embedded.engine_errors import QUERY_IS_TOO_LARGE, EngineError, disk_error

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_IN_MEMORY_BYTES: Final = 1 << 20


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Body:
    """The decoded bytes of one request's body; `is_over` once all were read."""

    def __init__(self, receive: Receive, decoders: list[Decoder]) -> None:
        self._receive = receive
        self._decoders = decoders
        self.is_over = False

    async def read(self) -> bytes:
        """Return the next bytes, which may be none before the end.

        Raises: ClientGone; EngineError if they can't be decoded.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self.is_over = not message.get("more_body", False)
        for decoder in self._decoders:
            chunk = decoder.decode(chunk)
            if self.is_over:
                chunk += decoder.finish()
        return chunk

    async def read_whole(self, most_bytes: int) -> bytes:
        """Return the body's rest. Raises: as `read`; EngineError if it is longer."""
        chunks = []
        size_bytes = 0
        while not self.is_over:
            chunks.append(await self.read())
            size_bytes += len(chunks[-1])
            if size_bytes > most_bytes:
                raise EngineError(QUERY_IS_TOO_LARGE, f"The body is larger than {most_bytes} bytes")
        return b"".join(chunks)


class Spool:
    """The data of one insert, in a file of their own in the data folder; removed by `remove`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.size_bytes = 0

    async def fill(self, first: bytes, body: Body) -> None:
        """Take the first bytes and then the body's rest.

        Raises: ClientGone; EngineError, also if the disk is full.
        """
        self.hold(first)
        while not body.is_over:
            self.hold(await body.read())
            if self._held_bytes >= _IN_MEMORY_BYTES:
                await asyncio.to_thread(self.flush)

    def flush(self) -> None:
        """Write what is held to the file. Raises: EngineError if it can't be written."""
        held, self._held, self._held_bytes = self._held, [], 0
        try:
            with self.path.open("ab", buffering=0) as file:
                for chunk in held:
                    _write_whole(file, chunk)
        except OSError as error:
            raise disk_error("Cannot spool the data of the insert", error) from error

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def hold(self, chunk: bytes) -> None:
        """Take bytes, to be written with the next `flush`."""
        if chunk:
            self._held.append(chunk)
            self._held_bytes += len(chunk)
            self.size_bytes += len(chunk)


def _write_whole(file: Any, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]
