"""ClickHouse's own compressed frames, which `compress=1` asks for and `decompress=1` brings.

A frame: 16 bytes checksum (CityHash128 1.0.2 of what follows), 1 byte method, 4 bytes length with these 9 header bytes,
4 bytes plain length, data.
"""

import struct
from typing import Final

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-untyped]

from storage.embedded.engine_errors import CANNOT_DECOMPRESS, CHECKSUM_DOESNT_MATCH, EngineError

_NONE: Final = 0x02
_LZ4: Final = 0x82
_ZSTD: Final = 0x90
_CHECKSUM_BYTES: Final = 16
_HEADER: Final = struct.Struct("<BII")
_PLAIN_BYTES_MAX: Final = 1 << 20
_FRAME_BYTES_MAX: Final = 1 << 30
_HALF: Final = (1 << 64) - 1


class FrameEncoder:
    """Packs plain bytes into frames of a megabyte at most; method LZ4 unless ZSTD is asked for."""

    def __init__(self, method: str = "LZ4") -> None:
        self._zstd = zstandard.ZstdCompressor(level=1) if method.upper() == "ZSTD" else None

    def encode(self, chunk: bytes) -> bytes:
        """Return the bytes as frames; none for none."""
        view = memoryview(chunk)
        return b"".join(
            self._frame(bytes(view[at : at + _PLAIN_BYTES_MAX])) for at in range(0, len(view), _PLAIN_BYTES_MAX)
        )

    def finish(self) -> bytes:
        """Return nothing: frames have no end mark."""
        return b""

    def _frame(self, plain: bytes) -> bytes:
        if self._zstd is not None:
            method, data = _ZSTD, self._zstd.compress(plain)
        else:
            method, data = _LZ4, bytes(lz4.block.compress(plain, store_size=False))
        body = _HEADER.pack(method, len(data) + _HEADER.size, len(plain)) + data
        return _checksum(body) + body


class FrameDecoder:
    """Unpacks frames, each checked against its checksum."""

    def __init__(self) -> None:
        self._held = bytearray()

    def decode(self, chunk: bytes) -> bytes:
        """Return the plain bytes of all frames that are whole. Raises: EngineError if one is damaged."""
        self._held += chunk
        plain = []
        while len(self._held) >= _CHECKSUM_BYTES + _HEADER.size:
            method, length, plain_length = _HEADER.unpack_from(self._held, _CHECKSUM_BYTES)
            if not _HEADER.size <= length <= _FRAME_BYTES_MAX or plain_length > _FRAME_BYTES_MAX:
                raise EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the body: a frame of {length} bytes")
            end = _CHECKSUM_BYTES + length
            if len(self._held) < end:
                break
            plain.append(_unpacked(bytes(self._held[:end]), method, plain_length))
            del self._held[:end]
        return b"".join(plain)

    def finish(self) -> bytes:
        """Return nothing more; check that no frame was cut. Raises: EngineError."""
        if self._held:
            raise EngineError(CANNOT_DECOMPRESS, "Cannot decompress the body: its last frame is cut")
        return b""


def _checksum(body: bytes) -> bytes:
    number = CityHash128(body)
    return struct.pack("<QQ", number >> 64 & _HALF, number & _HALF)


def _unpacked(frame: bytes, method: int, plain_length: int) -> bytes:
    body = frame[_CHECKSUM_BYTES:]
    if _checksum(body) != frame[:_CHECKSUM_BYTES]:
        raise EngineError(CHECKSUM_DOESNT_MATCH, "Checksum doesn't match: corrupted data")
    data = body[_HEADER.size :]
    try:
        if method == _LZ4:
            plain = bytes(lz4.block.decompress(data, uncompressed_size=plain_length))
        elif method == _ZSTD:
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=plain_length)
        elif method == _NONE:
            plain = data
        else:
            raise EngineError(CANNOT_DECOMPRESS, f"Unknown compression method {method:#x}")
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
        raise EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the body: {error}") from error
    if len(plain) != plain_length:
        raise EngineError(CANNOT_DECOMPRESS, "Cannot decompress the body: a frame has another length than it says")
    return plain
