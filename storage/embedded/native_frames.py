"""The Native format of clients that name their protocol revision (clickhouse-go), made from the engine's plain one.

The engine writes Native of revision 0. From revision 54454 on each block begins with a block info, and each column's
type is followed by a byte that tells how it is serialised (0 = as ever). Inserts over HTTP are of revision 0 whatever
the client names. Source: store_door, clickhouse-go.
"""

import struct
from typing import Final

from storage.embedded.engine_errors import NOT_IMPLEMENTED, EngineError
from storage.embedded.native_types import Column, column_of, read_number

_WITH_BLOCK_INFO: Final = 51903
_WITH_SERIALIZATION: Final = 54454
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_GROWTH: Final = 1.5


class NativeReframer:
    """Changes plain blocks into those of a revision; holds bytes back until a block is whole."""

    def __init__(self, revision: int) -> None:
        self._revision = revision
        self._held = b""
        self._try_at_bytes = 0
        self._columns: dict[str, Column] = {}

    def encode(self, chunk: bytes) -> bytes:
        """Return the blocks that are whole. Raises: EngineError if a type's layout is not known."""
        self._held += chunk
        if len(self._held) < self._try_at_bytes:
            return b""
        blocks = []
        at = 0
        while at < len(self._held):
            try:
                block, at = self._block(self._held, at)
            except (IndexError, struct.error):
                break
            blocks.append(block)
        self._held = self._held[at:]
        # A cut block is tried again only when much more of it is there, or a long one would be walked again and again.
        self._try_at_bytes = int(len(self._held) * _GROWTH) if self._held else 0
        return b"".join(blocks)

    def finish(self) -> bytes:
        """Return the last blocks. Raises: EngineError if the last one is cut."""
        self._try_at_bytes = 0
        rest = self.encode(b"")
        if self._held:
            raise EngineError(NOT_IMPLEMENTED, "The last block of the Native format is cut or of an unknown layout")
        return rest

    def _block(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Return the block at the position in its new form, and the position after it."""
        parts = [_BLOCK_INFO] if self._revision >= _WITH_BLOCK_INFO else []
        start = at
        columns, at = read_number(data, at)
        rows, at = read_number(data, at)
        parts.append(data[start:at])
        for _ in range(columns):
            start = at
            at = _after_text(data, at)
            type_at = at
            at = _after_text(data, at)
            _, text_at = read_number(data, type_at)
            column = self._column(data[text_at:at].decode())
            parts.append(data[start:at])
            if self._revision >= _WITH_SERIALIZATION:
                parts.append(b"\x00")
            start, at = at, column.skip(data, at, rows)
            if at > len(data):
                raise IndexError(at)
            parts.append(data[start:at])
        return b"".join(parts), at

    def _column(self, type_text: str) -> Column:
        if type_text not in self._columns:
            self._columns[type_text] = column_of(type_text)
        return self._columns[type_text]


def _after_text(data: bytes, at: int) -> int:
    length, at = read_number(data, at)
    if at + length > len(data):
        raise IndexError(at)
    return at + length
