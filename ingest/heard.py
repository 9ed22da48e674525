"""What the processes behind one port have heard of the decisions: none answers from older knowledge than another told.

Who opened a session through one process may send the next request to another one, sooner than that one has heard of the
opening. So each process notes up to which answer it has told its clients, and before it relies on its directory it
looks whether a sibling has told more; then it first hears that too. Source: design section 5.
"""

from typing import Final

from ingest.siblings import SharedCells, Sibling

Answered = tuple[int, int]
"""Offset and index of an input whose answer was heard, after all its consequences; (-1, 0) = none was."""

NOTHING: Final[Answered] = (-1, 0)
_INDEX_BITS: Final = 20


class HeardPlaces:
    """The newest answer told to a client, for each partition and process."""

    def __init__(self, partitions: int, sibling: Sibling | None = None) -> None:
        self._all = (
            []
            if sibling is None
            else [SharedCells(sibling.path("heard", number), partitions) for number in range(sibling.processes)]
        )
        self._own = None if sibling is None else self._all[sibling.number]

    def tell(self, partition: int, answered: Answered) -> None:
        """Note that clients of this process know of the answer."""
        if self._own is not None:
            self._own[partition] = max(self._own[partition], _encoded(answered))

    def is_behind(self, partition: int, answered: Answered) -> bool:
        """Tell whether clients of some process know more than a process that heard only so much."""
        return any(cells[partition] > _encoded(answered) for cells in self._all)

    def newest(self, partition: int) -> Answered:
        """Return the newest answer that any client knows of."""
        return _decoded(max((cells[partition] for cells in self._all), default=0))


def _encoded(answered: Answered) -> int:
    offset, index = answered
    return (offset + 1) << _INDEX_BITS | index


def _decoded(cell: int) -> Answered:
    return (cell >> _INDEX_BITS) - 1, cell & ((1 << _INDEX_BITS) - 1)
