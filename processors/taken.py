"""A frame as the processor took it from the log, and a slice of its lines, decoded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from state_machine.inputs import Input
from storage.event_log import Record
from storage.frames import SCHEMA_VERSION, MalformedLine, read_inputs, split_frame

Line = Input | MalformedLine
"""A decoded line, or why it does not decode."""


@dataclass(slots=True, eq=False)
class Taken:
    """One frame of the inputs topic.

    Units: `appended_at_ms` epoch milliseconds, UTC.
    """

    partition: int
    offset: int
    appended_at_ms: int
    value: bytes
    ack: Callable[[], object]
    """Tells Faust that the frame is done with, and all before it that came with it."""
    schema: int = SCHEMA_VERSION
    """Version of the lines' form; of another one than this program's, every line becomes a dead letter."""


def taken_of(run: Sequence[Record], ack: Callable[[], object]) -> list[Taken]:
    """Return the frames of a run, which is done with when its last frame is."""
    frames = [
        Taken(record.partition, record.offset, record.appended_at_ms, record.value, _not_yet, record.schema)
        for record in run
    ]
    frames[-1].ack = ack
    return frames


def _not_yet() -> None:
    """Stands for the ack of a frame that others follow in its run."""


@dataclass(slots=True)
class Slice:
    """Consecutive lines of a frame; all of it unless the frame is larger than a block."""

    frame: Taken
    start: int
    """Index in the frame of the first line."""
    raw: list[bytes]
    lines: list[Line]
    """The same lines decoded."""
    frame_inputs: int
    """How many lines the whole frame holds."""

    @property
    def ends_frame(self) -> bool:
        """Whether the frame's last line is in here."""
        return self.start + len(self.lines) >= self.frame_inputs


def decode_slice(frame: Taken, start: int, lines_max: int) -> Slice:
    """Return the frame's lines from `start` on, at most `lines_max` of them, each decoded or with its reason."""
    every = split_frame(frame.value)
    raw = every if start == 0 and len(every) <= lines_max else every[start : start + lines_max]
    if frame.schema != SCHEMA_VERSION:
        unknown = MalformedLine("unknown_schema", f"schema {frame.schema}; this program reads {SCHEMA_VERSION}")
        return Slice(frame, start, raw, [unknown] * len(raw), len(every))
    return Slice(frame, start, raw, read_inputs(raw), len(every))
