"""The frames of one call, as the batches that are written of each partition."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from storage.event_log import Frame
from storage.kafka_log_leaders import Place
from storage.kafka_log_topics import RECORD_OVERHEAD_BYTES

REQUEST_BYTES_MAX: Final = 32 * 1024 * 1024
"""Brokers take 100 MiB (`socket.request.max.bytes`) unless they are told otherwise."""


class Batch:
    """The frames of one partition that are written at once."""

    __slots__ = ("encoded", "frames", "indexes", "is_in_doubt", "offset", "place", "size_bytes")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.frames: list[Frame] = []
        self.indexes: list[int] = []
        """Where each frame stands in the call."""
        self.size_bytes = 0
        self.encoded: bytearray | None = None
        self.offset = -1
        self.is_in_doubt = False


def batches_of(frames: Sequence[Frame], bytes_max: int) -> list[Batch]:
    """Return the frames in as few batches as take them, in the order of each partition."""
    batches: list[Batch] = []
    newest: dict[Place, Batch] = {}
    for index, frame in enumerate(frames):
        place = Place(frame.topic, frame.partition)
        size_bytes = len(frame.value) + RECORD_OVERHEAD_BYTES
        batch = newest.get(place)
        if batch is None or batch.size_bytes + size_bytes > bytes_max:
            batch = newest[place] = Batch(place)
            batches.append(batch)
        batch.frames.append(frame)
        batch.indexes.append(index)
        batch.size_bytes += size_bytes
    return batches


def turns_of(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Yield what is written at once: of each partition its next batch, and not too much in all."""
    left = list(batches)
    while left:
        turn: list[Batch] = []
        later: list[Batch] = []
        passed: set[Place] = set()
        size_bytes = 0
        for batch in left:
            fits = not turn or size_bytes + batch.size_bytes <= REQUEST_BYTES_MAX
            if fits and batch.place not in passed:
                turn.append(batch)
                size_bytes += batch.size_bytes
            else:
                later.append(batch)
            passed.add(batch.place)
        yield turn
        left = later
