"""Bytes that wait until an answer may begin: in memory while few, then in a file of the spool folder."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Final

from storage.embedded.engine_errors import TOO_MANY_ROWS_OR_BYTES, EngineError

_IN_MEMORY_BYTES: Final = 4 << 20
_READ_BYTES: Final = 1 << 18


class HeldBytes:
    """Bytes in the order in which they came; at most `most_bytes` in a file, if that is given."""

    def __init__(self, folder: Path, most_bytes: int | None = None) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._chunks: list[bytes] = []
        self._file: IO[bytes] | None = None
        self.size_bytes = 0

    async def add(self, chunk: bytes) -> None:
        """Take more bytes. Raises: OSError if the disk is full; EngineError if they are too many."""
        self._chunks.append(chunk)
        self.size_bytes += len(chunk)
        if sum(map(len, self._chunks)) > _IN_MEMORY_BYTES:
            if self._most_bytes is not None and self.size_bytes > self._most_bytes:
                text = f"Limit for result exceeded, max bytes held back: {self._most_bytes}"
                raise EngineError(TOO_MANY_ROWS_OR_BYTES, text)
            await asyncio.to_thread(self._write)

    @property
    def is_in_memory(self) -> bool:
        """Whether no file was needed."""
        return self._file is None

    def take(self) -> bytes:
        """Return what is in memory, and hold it no longer."""
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken

    async def all(self) -> AsyncIterator[bytes]:
        """Yield everything in pieces, once; then nothing is held."""
        if self._file is not None:
            await asyncio.to_thread(self._file.seek, 0)
            while chunk := await asyncio.to_thread(self._file.read, _READ_BYTES):
                yield chunk
            self.close()
        if self._chunks:
            yield self.take()

    def close(self) -> None:
        """Give the file back, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # `close` gives it back
        self._file.write(self.take())
