"""What a consumer has handed out and not got back: bounds the memory of work that is under way."""

from faust.types import TP

HAND_BYTES_MAX = 64 * 1024 * 1024


class Hand:
    """Messages delivered and not yet acknowledged, by place."""

    def __init__(self, frames_max: int, bytes_max: int = HAND_BYTES_MAX) -> None:
        self.frames_max = frames_max
        self._bytes_max = bytes_max
        self._sizes: dict[TP, dict[int, int]] = {}
        self._frames = 0
        self._bytes = 0

    def take(self, place: TP, offset: int, size_bytes: int) -> None:
        """Note a message that is handed out."""
        self._sizes.setdefault(place, {})[offset] = size_bytes
        self._frames += 1
        self._bytes += size_bytes

    def release(self, place: TP, offset: int) -> bool:
        """Note that a message came back; return whether it was noted as out."""
        size_bytes = self._sizes.get(place, {}).pop(offset, None)
        if size_bytes is None:
            return False
        self._frames -= 1
        self._bytes -= size_bytes
        return True

    def drop(self, place: TP) -> None:
        """Forget a place whose messages will not come back, or will be delivered again."""
        for size_bytes in self._sizes.pop(place, {}).values():
            self._frames -= 1
            self._bytes -= size_bytes

    def drop_all(self) -> None:
        """Forget every place."""
        for place in list(self._sizes):
            self.drop(place)

    def has_space(self) -> bool:
        """Tell whether one more message may be handed out."""
        return self._frames < self.frames_max and self._bytes < self._bytes_max

    def has_room(self) -> bool:
        """Tell whether reading more is worth while: at least half is free, or almost nothing is out."""
        return self._frames <= self.frames_max // 2 and self._bytes <= self._bytes_max // 2
