"""What a consumer has handed out and not got back: bounds the memory of work that is under way."""

from collections.abc import Sequence
from typing import NamedTuple

from faust.types import TP

from storage.event_log import Record

HAND_BYTES_MAX = 64 * 1024 * 1024

Run = Sequence[Record]
"""Frames of one partition that follow each other, handed out as one message under the last one's offset."""


class _Out(NamedTuple):
    first_offset: int
    frames: int
    size_bytes: int


class Hand:
    """Runs delivered and not yet acknowledged, by place; of one place they are taken in order."""

    def __init__(self, frames_max: int, bytes_max: int = HAND_BYTES_MAX) -> None:
        self.frames_max = frames_max
        self._bytes_max = bytes_max
        self._out: dict[TP, dict[int, _Out]] = {}
        self._frames = 0
        self._bytes = 0

    def take(self, place: TP, run: Run) -> None:
        """Note a run that is handed out."""
        out = _Out(run[0].offset, len(run), sum(len(record.value) for record in run))
        self._out.setdefault(place, {})[run[-1].offset] = out
        self._frames += out.frames
        self._bytes += out.size_bytes

    def release(self, place: TP, offset: int) -> bool:
        """Note that the run that ends at the offset came back; return whether it was noted as out."""
        out = self._out.get(place, {}).pop(offset, None)
        if out is None:
            return False
        self._frames -= out.frames
        self._bytes -= out.size_bytes
        return True

    def unfinished(self, place: TP) -> int | None:
        """Return the first offset of the place that is out, None if nothing is."""
        return next((out.first_offset for out in self._out.get(place, {}).values()), None)

    def drop(self, place: TP) -> None:
        """Forget a place whose runs will not come back, or will be delivered again."""
        for out in self._out.pop(place, {}).values():
            self._frames -= out.frames
            self._bytes -= out.size_bytes

    def drop_all(self) -> None:
        """Forget every place."""
        for place in list(self._out):
            self.drop(place)

    def has_space(self) -> bool:
        """Tell whether one more run may be handed out."""
        return self._frames < self.frames_max and self._bytes < self._bytes_max

    def has_room(self) -> bool:
        """Tell whether reading more is worth while: at least half is free, or almost nothing is out."""
        return self._frames <= self.frames_max // 2 and self._bytes <= self._bytes_max // 2
