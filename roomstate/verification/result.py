"""What a verification found: by partition and sort, with places in the log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

RANGES_MAX: Final = 200
"""More ranges of one sort and partition than this are counted but not kept, so that memory stays bounded."""

DIFFERENCES: Final = {
    "missing": "in the log, not in the store",
    "doubled": "in the store more than once",
    "changed": "in the store with other words than in the log",
    "unexpected": "in the store, not in the log",
    "miscounted": "the row notes another number of inputs than the frame holds",
    "uneven": "consequences that are not numbered 1, 2, 3, … once each",
    "gone": "lost in the middle of the log, and not in the store",
    "lost": "before the log's beginning, and not in the store",
    "pending": "accepted and not stored yet",
}
"""Sorts of findings that make log and store unequal, with their meaning."""
REMARKS: Final = {
    "expired": "older than the store keeps",
    "erased": "equal but for what an operator erased",
    "given up": "declared lost by `roomstate accept-gap`, though the log has them",
}
"""Sorts that do not."""


@dataclass(slots=True)
class Range:
    """Neighbouring places of one partition with the same finding."""

    first_offset: int
    last_offset: int
    indexes: tuple[int, int] | None
    """From which to which in the one frame; None = the whole frames."""
    inputs: int
    note: str = ""

    @property
    def offsets(self) -> str:
        """The offsets as a person reads them."""
        only = self.first_offset == self.last_offset
        return str(self.first_offset) if only else f"{self.first_offset}-{self.last_offset}"

    @property
    def index_range(self) -> str:
        """The indexes in the frame as a person reads them."""
        if self.indexes is None:
            return "all"
        return str(self.indexes[0]) if self.indexes[0] == self.indexes[1] else f"{self.indexes[0]}-{self.indexes[1]}"

    def takes(self, offset: int, indexes: tuple[int, int] | None, note: str) -> bool:
        """Tell whether the place follows this range, and make it part of it if so."""
        if note != self.note or (indexes is None) != (self.indexes is None):
            return False
        if self.indexes is None or indexes is None:
            follows = self.last_offset <= offset <= self.last_offset + 1
            self.last_offset = max(self.last_offset, offset) if follows else self.last_offset
            return follows
        follows = offset == self.last_offset and indexes[0] == self.indexes[1] + 1
        self.indexes = (self.indexes[0], indexes[1]) if follows else self.indexes
        return follows


@dataclass(slots=True)
class Finding:
    """Everything of one sort that was found in one partition, in the order of the log."""

    inputs: int = 0
    ranges: list[Range] = field(default_factory=list)

    def add(self, offset: int, inputs: int, indexes: tuple[int, int] | None = None, note: str = "") -> None:
        """Note a frame, or some of its inputs."""
        self.inputs += inputs
        if self.ranges and self.ranges[-1].takes(offset, indexes, note):
            self.ranges[-1].inputs += inputs
        elif len(self.ranges) < RANGES_MAX:
            self.ranges.append(Range(offset, offset, indexes, inputs, note))

    def add_offsets(self, first: int, last: int, inputs: int) -> None:
        """Note neighbouring offsets of which nothing but their number may be known."""
        self.add(first, inputs)
        self.ranges[-1].last_offset = max(self.ranges[-1].last_offset, last)

    @property
    def unnamed(self) -> int:
        """How many inputs are in no range that was kept."""
        return self.inputs - sum(each.inputs for each in self.ranges)


@dataclass(slots=True)
class PartitionResult:
    """What was compared in one partition, and what differs."""

    partition: int
    first_offset: int = 0
    """Where the log begins."""
    frames: int = 0
    inputs: int = 0
    """Inputs in the log, counted by splitting its frames."""
    equal: int = 0
    """Inputs that the store has exactly once, in the log's words."""
    older: int = 0
    """Inputs that the store has from before the log's beginning, where nothing is left to compare them with."""
    findings: dict[str, Finding] = field(default_factory=dict)

    def add(self, sort: str, offset: int, inputs: int, indexes: tuple[int, int] | None = None, note: str = "") -> None:
        """Note a frame, or some of its inputs, under a sort of `DIFFERENCES` or `REMARKS`."""
        self.findings.setdefault(sort, Finding()).add(offset, inputs, indexes, note)

    def add_offsets(self, sort: str, first: int, last: int, inputs: int) -> None:
        """Note neighbouring offsets under a sort."""
        self.findings.setdefault(sort, Finding()).add_offsets(first, last, inputs)

    @property
    def is_equal(self) -> bool:
        """Whether the store has exactly what the log has."""
        return self.findings.keys().isdisjoint(DIFFERENCES)


@dataclass(slots=True)
class Verification:
    """The result of `roomstate verify`."""

    log_id: str
    partitions: list[PartitionResult] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether log and store hold the same inputs, each exactly once and in the same words."""
        return all(partition.is_equal for partition in self.partitions)

    @property
    def exit_code(self) -> int:
        """0 only if equal."""
        return 0 if self.is_equal else 1

    @property
    def inputs(self) -> int:
        """Inputs in the log."""
        return sum(partition.inputs for partition in self.partitions)

    @property
    def equal(self) -> int:
        """Inputs that the store has exactly once, in the log's words."""
        return sum(partition.equal for partition in self.partitions)

    @property
    def totals(self) -> dict[str, int]:
        """How many inputs there are of each sort that was found."""
        sums = {
            sort: sum(result.findings[sort].inputs for result in self.partitions if sort in result.findings)
            for sort in (*DIFFERENCES, *REMARKS)
        }
        found = {sort for result in self.partitions for sort in result.findings}
        return {sort: total for sort, total in sums.items() if sort in found}

    def lines(self) -> list[str]:
        """Return what was found, a line for each range."""
        return [
            f"{sort}: partition {partition}, offsets {each.offsets}, indexes {each.index_range}: {each.inputs} inputs"
            for sort, partition, finding in self.each()
            for each in finding.ranges
        ]

    def each(self) -> Iterator[tuple[str, int, Finding]]:
        """Yield every sort with its partition and what was found, in the order in which a person reads them."""
        for sort in (*DIFFERENCES, *REMARKS):
            for result in self.partitions:
                if sort in result.findings:
                    yield sort, result.partition, result.findings[sort]
