"""Frames that Faust has handed over and that are not judged yet: a bounded queue in log order per partition.

When it is full, the agent waits, so Faust's own buffer fills and it stops reading the log: memory stays bounded
however far the processor is behind.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence

from processors.taken import Taken

INTAKE_BYTES_MAX = 8 * 1024 * 1024
_FRAME_OVERHEAD_BYTES = 1024
"""What a frame costs beside its value, so that many small ones stay bounded too."""


class Intake:
    """The queue between the agent and the drain; both live on one event loop."""

    def __init__(self, bytes_max: int = INTAKE_BYTES_MAX) -> None:
        self._frames: deque[Taken] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._has_room = asyncio.Event()
        self._has_room.set()

    def __len__(self) -> int:
        return len(self._frames)

    async def put(self, frames: Sequence[Taken]) -> None:
        """Append frames, waiting for room before the first."""
        await self._has_room.wait()
        self._frames.extend(frames)
        self._grow(sum(map(_cost, frames)))

    def put_back(self, frames: Iterable[Taken]) -> None:
        """Put frames, in their order, before all others; there is always room for what was here before."""
        returned = list(frames)
        self._frames.extendleft(reversed(returned))
        self._grow(sum(map(_cost, returned)))

    def peek(self) -> Taken | None:
        """Return the first frame without taking it."""
        return self._frames[0] if self._frames else None

    def take(self) -> Taken:
        """Take the first frame."""
        frame = self._frames.popleft()
        self._grow(-_cost(frame))
        return frame

    def drop(self, partitions: Collection[int]) -> None:
        """Forget the frames of the partitions, unacked: whoever holds them reads them again."""
        kept = [frame for frame in self._frames if frame.partition not in partitions]
        self._frames = deque(kept)
        self._bytes = 0
        self._grow(sum(map(_cost, kept)))

    def _grow(self, change_bytes: int) -> None:
        self._bytes += change_bytes
        if self._bytes < self._bytes_max:
            self._has_room.set()
        else:
            self._has_room.clear()


def _cost(frame: Taken) -> int:
    return len(frame.value) + _FRAME_OVERHEAD_BYTES
