"""Runs a part of Roomstate with a wall clock that can be stepped while it runs, as if somebody set the machine's clock.

The part's code is as it always is. Before any of it is loaded, the two functions by which Python programs read the
wall clock are replaced by ones that add an offset; the offset stands in a file that the part maps and the experiment
writes. Clocks that only go forward (`time.monotonic`), the kernel's and the store's are left alone.

    python -m roomstate.chaos.stepped_clock FILE COMMAND…
"""

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import Final

_OFFSET_NS: Final = struct.Struct("=q")


class SteppedClock:
    """The experiment's hand on one part's clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(_OFFSET_NS.pack(0))

    def step_to(self, offset_s: float) -> None:
        """Let the part's clock differ from the machine's by so many seconds from now on; 0 = not at all."""
        with self.path.open("r+b") as file:
            file.write(_OFFSET_NS.pack(int(offset_s * 1_000_000_000)))


def follow_clock(path: Path) -> None:
    """Make this process read the stepped clock."""
    with path.open("rb") as file:
        offset = mmap.mmap(file.fileno(), _OFFSET_NS.size, access=mmap.ACCESS_READ)
    read_s, read_ns, unpack = time.time, time.time_ns, _OFFSET_NS.unpack_from  # noqa: TID251  # the clock itself
    for name, stepped in (
        ("time", lambda: read_s() + unpack(offset)[0] / 1_000_000_000),
        ("time_ns", lambda: read_ns() + unpack(offset)[0]),
    ):
        setattr(time, name, stepped)


def main() -> None:
    """Be the command whose words stand behind the file, on the stepped clock."""
    follow_clock(Path(sys.argv.pop(1)))
    from roomstate.cli import main as run_command  # noqa: PLC0415  # everything is loaded on the stepped clock

    run_command()


if __name__ == "__main__":
    main()
