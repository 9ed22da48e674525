"""HTTP's Content-Encoding both ways: gzip, deflate, br, lz4 (its frame format) and zstd."""

import zlib
from collections.abc import Callable, Iterable
from typing import Final, Protocol

import brotli  # type: ignore[import-untyped]
import lz4.frame
import zstandard

from storage.embedded.engine_errors import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, EngineError

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_IDENTITY: Final = frozenset({"", "identity"})


class Decoder(Protocol):
    """Turns encoded bytes into plain ones, piece by piece."""

    def decode(self, chunk: bytes) -> bytes:
        """Return the plain bytes that are known so far. Raises: EngineError if they are damaged."""
        ...

    def finish(self) -> bytes:
        """Return the rest. Raises: EngineError if the end is missing."""
        ...


class Encoder(Protocol):
    """Turns plain bytes into encoded ones, piece by piece."""

    def encode(self, chunk: bytes) -> bytes:
        """Return what may be sent so far."""
        ...

    def finish(self) -> bytes:
        """Return the rest and the end mark."""
        ...


def decoders_for(content_encoding: str) -> list[Decoder]:
    """Return the decoders of a Content-Encoding header, in the order in which they are used.

    Raises: EngineError if a coding is unknown.
    """
    names = [name.strip() for name in content_encoding.lower().split(",")]
    decoders: list[Decoder] = []
    for name in reversed(names):
        if name in _IDENTITY:
            continue
        if name not in _DECODERS:
            raise EngineError(NOT_IMPLEMENTED, f"Unknown compression method {name}")
        decoders.append(_Members(name, _DECODERS[name]))
    return decoders


def encoder_for(accept_encoding: str) -> tuple[str, Encoder] | None:
    """Return the first coding that the client names and we know, and its encoder; None to send plain bytes."""
    for name in _accepted(accept_encoding):
        make = _ENCODERS.get(name)
        if make is not None:
            return name, make()
    return None


def _accepted(accept_encoding: str) -> Iterable[str]:
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0"}:
            yield name.strip()


class _Decompressor(Protocol):
    """What the decompressors of zlib, lz4 and zstandard have in common."""

    @property
    def eof(self) -> bool:
        """Whether the compressed stream has ended."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What came after that end."""
        ...

    def decompress(self, data: bytes, /) -> bytes:
        """Return the plain bytes known so far."""
        ...


class _Members:
    """Decodes a body that is one compressed stream after another."""

    def __init__(self, name: str, make: Callable[[], _Decompressor]) -> None:
        self._name = name
        self._make = make
        self._current = make()
        self._is_empty = True

    def decode(self, chunk: bytes) -> bytes:
        """Return the plain bytes that are known so far."""
        plain = []
        try:
            while chunk:
                if self._current.eof:
                    self._current = self._make()
                self._is_empty = False
                plain.append(self._current.decompress(chunk))
                chunk = self._current.unused_data if self._current.eof else b""
        except (zlib.error, brotli.error, RuntimeError, ValueError, zstandard.ZstdError) as error:
            raise EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the {self._name} body: {error}") from error
        return b"".join(plain)

    def finish(self) -> bytes:
        """Return nothing more; check that the end was there."""
        if not self._is_empty and not self._current.eof:
            raise EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the {self._name} body: its end is missing")
        return b""


class _ZlibEncoder:
    def __init__(self, window: int) -> None:
        self._compressor = zlib.compressobj(level=1, wbits=window)

    def encode(self, chunk: bytes) -> bytes:
        """Return what may be sent so far."""
        return self._compressor.compress(chunk)

    def finish(self) -> bytes:
        """Return the rest and the end mark."""
        return self._compressor.flush()


class _ZstdEncoder:
    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=1).compressobj()

    def encode(self, chunk: bytes) -> bytes:
        """Return what may be sent so far."""
        return self._compressor.compress(chunk)

    def finish(self) -> bytes:
        """Return the rest and the end mark."""
        return self._compressor.flush()


class _Lz4Encoder:
    def __init__(self) -> None:
        self._compressor = lz4.frame.LZ4FrameCompressor(block_linked=False)
        self._begin: bytes = self._compressor.begin()

    def encode(self, chunk: bytes) -> bytes:
        """Return what may be sent so far."""
        begin, self._begin = self._begin, b""
        return begin + bytes(self._compressor.compress(chunk))

    def finish(self) -> bytes:
        """Return the rest and the end mark."""
        begin, self._begin = self._begin, b""
        return begin + bytes(self._compressor.flush())


class _BrotliEncoder:
    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=1)

    def encode(self, chunk: bytes) -> bytes:
        """Return what may be sent so far."""
        return bytes(self._compressor.process(chunk))

    def finish(self) -> bytes:
        """Return the rest and the end mark."""
        return bytes(self._compressor.finish())


class _BrotliDecompressor:
    """Brotli's decompressor, with the names that the others have."""

    unused_data = b""

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        """Whether the compressed stream has ended."""
        return bool(self._decompressor.is_finished())

    def decompress(self, data: bytes, /) -> bytes:
        """Return the plain bytes known so far."""
        return bytes(self._decompressor.process(data))


_DECODERS: Final[dict[str, Callable[[], _Decompressor]]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP_WINDOW),
    "deflate": zlib.decompressobj,
    "br": _BrotliDecompressor,
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
}
_ENCODERS: Final[dict[str, Callable[[], Encoder]]] = {
    "gzip": lambda: _ZlibEncoder(_GZIP_WINDOW),
    "deflate": lambda: _ZlibEncoder(zlib.MAX_WBITS),
    "br": _BrotliEncoder,
    "lz4": _Lz4Encoder,
    "zstd": _ZstdEncoder,
}
