"""Parts with files shorter than their own list says: found before the engine starts, and set aside as it would do.

A write that failed leaves such parts (`failed_writes`). The engine looks for them too when it starts, but not at a part
one of whose projections is damaged; that part it takes as it is, and forgets the parts that it was merged from. With
the part out of the way it goes on with those.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from storage.embedded.block_frames import FrameDecoder
from storage.embedded.engine_errors import EngineError

_PART: Final = re.compile(r"(?!tmp_|delete_tmp_).+_\d+_\d+_\d+(_\d+)?")
_LIST: Final = "checksums.txt"
_HEAD: Final = b"checksums format version: 4\n"
_HASH_BYTES: Final = 16
_ASIDE: Final = "broken-on-start_"


def set_aside_cut_parts(engine: Path) -> list[str]:
    """Move each cut part of the engine's folder to its table's `detached`; return what they are called there."""
    moved = []
    for table in engine.glob("store/*/*"):
        parts = [part for part in table.iterdir() if _PART.fullmatch(part.name) and part.is_dir()]
        for part in parts:
            if _is_cut(part):
                moved.append(_moved(part, table / "detached"))
    return moved


def _moved(part: Path, detached: Path) -> str:
    detached.mkdir(exist_ok=True)
    aside = detached / f"{_ASIDE}{part.name}"
    number = 0
    while aside.exists():
        number += 1
        aside = detached / f"{_ASIDE}{part.name}_try{number}"
    part.rename(aside)
    return aside.name


def _is_cut(part: Path) -> bool:
    """Tell whether a file of the part, or of one of its projections, is not there or not as long as it was to be."""
    try:
        told = (part / _LIST).read_bytes()
        if told and not told.startswith(_HEAD):
            return False  # of an engine that lists them otherwise: it is left to that engine
        for name, size_bytes in _sizes(told.removeprefix(_HEAD)):
            path = part / name
            if _is_cut(path) if path.is_dir() else path.stat().st_size != size_bytes:
                return True
    except (FileNotFoundError, EngineError, IndexError):
        return True
    return False


def _sizes(packed: bytes) -> Iterator[tuple[str, int]]:
    """Yield name and size of each file of the list.

    Raises: EngineError or IndexError if the list itself was cut.
    """
    decoder = FrameDecoder()
    plain = decoder.decode(packed)
    decoder.finish()
    count, at = _number(plain, 0)
    for _ in range(count):
        length, at = _number(plain, at)
        name = plain[at : at + length].decode()
        size_bytes, at = _number(plain, at + length)
        at += _HASH_BYTES
        if plain[at]:  # compressed: size and hash of what is in it follow
            _, at = _number(plain, at + 1)
            at += _HASH_BYTES
        else:
            at += 1
        yield name, size_bytes


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length that stands at the position, and the position behind it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
