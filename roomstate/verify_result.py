"""What a verification found: by partition, what equals and what does not, with offsets."""

from dataclasses import dataclass, field
from typing import Final

RANGES_MAX: Final = 1000
"""More ranges of one kind than this are counted but not kept, so that memory stays bounded."""


@dataclass(slots=True)
class Range:
    """Neighbouring offsets of one partition with the same finding; `inputs` counts what is concerned in them."""

    first_offset: int
    last_offset: int
    inputs: int

    def __str__(self) -> str:
        """Return the offsets as a person reads them."""
        place = f"offset {self.first_offset}"
        if self.last_offset != self.first_offset:
            place = f"offsets {self.first_offset} to {self.last_offset}"
        return f"{place} ({self.inputs} input{'s' if self.inputs != 1 else ''})"


@dataclass(slots=True)
class Finding:
    """Everything of one kind that was found in one partition, in offset order."""

    inputs: int = 0
    ranges: list[Range] = field(default_factory=list)

    def add(self, offset: int, inputs: int) -> None:
        """Note a frame; offsets never decrease."""
        self.inputs += inputs
        if self.ranges and self.ranges[-1].last_offset >= offset - 1:
            self.ranges[-1].last_offset = offset
            self.ranges[-1].inputs += inputs
        elif len(self.ranges) < RANGES_MAX:
            self.ranges.append(Range(offset, offset, inputs))

    def __bool__(self) -> bool:
        """Tell whether anything was found."""
        return self.inputs > 0


@dataclass(slots=True)
class PartitionResult:
    """What was compared in one partition, and what differs."""

    partition: int
    first_offset: int = 0
    """Where the log begins; what was trimmed before it can't be compared any more."""
    frames: int = 0
    inputs: int = 0
    """Inputs in the log, counted by splitting its frames."""
    equal: int = 0
    """Inputs that the store has exactly once."""
    missing: Finding = field(default_factory=Finding)
    """In the log, not in the store, although the store has later frames."""
    doubled: Finding = field(default_factory=Finding)
    """In the store more than once."""
    unexpected: Finding = field(default_factory=Finding)
    """In the store, not in the log."""
    miscounted: Finding = field(default_factory=Finding)
    """Frames of which the store notes another number of inputs than they hold."""
    pending: Finding = field(default_factory=Finding)
    """At the log's end and not in the store yet."""
    expired: Finding = field(default_factory=Finding)
    """Older than the store's retention, and forgotten by it."""

    @property
    def is_equal(self) -> bool:
        """Whether the store has exactly what the log has."""
        return not (self.missing or self.doubled or self.unexpected or self.miscounted or self.pending)


@dataclass(slots=True)
class Verification:
    """The result of `roomstate verify`."""

    log_id: str
    partitions: list[PartitionResult] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether log and store hold the same inputs, each exactly once."""
        return all(partition.is_equal for partition in self.partitions)

    @property
    def exit_code(self) -> int:
        """0 only if equal."""
        return 0 if self.is_equal else 1

    @property
    def inputs(self) -> int:
        """Inputs in the log."""
        return sum(partition.inputs for partition in self.partitions)

    def lines(self) -> list[str]:
        """Return one sentence per finding, then the sum."""
        found = [
            f"partition {result.partition}: {name} {place}"
            for result in self.partitions
            for name in ("missing", "doubled", "unexpected", "miscounted", "pending", "expired")
            for place in _places(getattr(result, name))
        ]
        equal = sum(result.equal for result in self.partitions)
        frames = sum(result.frames for result in self.partitions)
        verdict = "equal" if self.is_equal else "NOT EQUAL"
        return [*found, f"{verdict}: {equal} of {self.inputs} inputs in {frames} frames are in the store exactly once"]


def _places(finding: Finding) -> list[str]:
    places = [str(place) for place in finding.ranges]
    kept = sum(place.inputs for place in finding.ranges)
    return places if kept == finding.inputs else [*places, f"further offsets ({finding.inputs - kept} inputs)"]
