"""Several ingest processes behind one port: the place of one of them, and the folder that they share.

A parent makes the listening socket and the folder, and starts the processes; each inherits the socket, so that
connections nobody has accepted yet outlive any of them. What they know of each other goes through small files in the
folder, each written by one process alone and mapped into the memory of all: nobody waits for anybody, and whatever
happens to a process, the others go on. Source: docs/decisions/0011-processes-behind-one-port.md
"""

import mmap
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

VARIABLE: Final = "ROOMSTATE_INGEST_SIBLING"
"""Set in the environment of such a process."""
_CELL: Final = struct.Struct("<Q")


class Sibling(NamedTuple):
    """One of the processes."""

    number: int
    """From 0; who comes in place of one that died has its number again."""
    processes: int
    listener: int
    """Descriptor of the listening socket."""
    folder: str

    @property
    def name(self) -> str:
        """How the process is called in logs."""
        return f"ingest-{self.number + 1}"

    def environment(self) -> dict[str, str]:
        """Return the variables that tell a process its place."""
        return {VARIABLE: msgspec.json.encode(self).decode()}

    def path(self, what: str, number: int) -> Path:
        """Return the file that a process keeps of something."""
        return Path(self.folder) / f"{what}_{number}"


def own_place() -> Sibling | None:
    """Return the place that this process was given, or None if it serves alone; asked once."""
    text = os.environ.pop(VARIABLE, "")
    return msgspec.json.decode(text, type=Sibling) if text else None


class SharedCells:
    """Unsigned 64-bit numbers in a file: written by one process, read by all, each always seen whole."""

    def __init__(self, path: Path, count: int) -> None:
        """Make the file, all zero, unless it is there; whoever comes first does."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, count * _CELL.size)
            self.memory: Final = mmap.mmap(descriptor, count * _CELL.size)
        finally:
            os.close(descriptor)

    def __getitem__(self, index: int) -> int:
        start = index * _CELL.size
        found: int = _CELL.unpack(self.memory[start : start + _CELL.size])[0]
        return found

    def __setitem__(self, index: int, value: int) -> None:
        start = index * _CELL.size
        # One assignment of eight aligned bytes; packing into place would write zeros first.
        self.memory[start : start + _CELL.size] = _CELL.pack(value)
