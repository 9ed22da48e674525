"""The port of the durable log: two topics of frames, in partitions, each an unbroken run of offsets from 0.

Promises that every engine keeps (tests/storage/event_log_contract.py runs the same suite on each):

* `append` returns only after every given frame is durable, each once. When it raises `LogUnavailable`, none of the
  frames is in the log or will be; when that is a `LogInDoubt`, some may be or become so. Nothing is sent after the
  timeout that was not sent before. Frames of one call and one partition get increasing offsets in the given order,
  without a gap to what was there before.
* A frame that was durable is never changed, moved or lost, except through `trim`.
* `read` and `Tail.poll` return frames in offset order, each exactly as it was appended, and never a frame that is
  not yet durable.
* Offsets have no gap: where an engine holds something that is no frame (on Kafka: the marker of a stranger's
  transaction, a record without a value), an empty frame is read. What cannot be read at all is `LogUnreadable`.
* Methods block and may be called from any thread; nothing here runs on an event loop.

Source: design section 3.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

INPUTS_TOPIC = "roomstate.inputs.v1"
DECISIONS_TOPIC = "roomstate.decisions.v1"
PROCESSOR_GROUP = "roomstate-processors.v1"


class LogUnavailable(Exception):
    """The log did not take or give the frames in time; nothing of the call is or will become visible."""


class LogInDoubt(LogUnavailable):
    """The frames, or some of them, were handed to the log, but it did not say in time whether it took them.

    They may be in the log, and may still come into it, in their order, until the next successful `append` of the same
    process to the same partition; never after that. Who must be sure appends them again under the same input ids: the
    decider drops repeats. The SQLite engine never raises it.
    """


class LogUnreadable(LogUnavailable):
    """A record is there that cannot be read (an unknown codec, a broken checksum); reading again does not help."""

    def __init__(self, topic: str, partition: int, offset: int, why: str) -> None:
        super().__init__(f"{topic}, partition {partition}, offset {offset} cannot be read: {why}")
        self.topic = topic
        self.partition = partition
        self.offset = offset


class LogMismatch(Exception):
    """The log is not the one that the settings describe (partitions, schema); the text says what to do."""


class Frame(NamedTuple):
    """What is to be appended: one record holding one or more inputs (or decisions) of one partition."""

    topic: str
    partition: int
    value: bytes
    """Newline-delimited JSON, without a newline at the end."""
    lines: int
    """How many lines the value holds."""


class Record(NamedTuple):
    """A durable frame, as read back."""

    topic: str
    partition: int
    offset: int
    appended_at_ms: int
    value: bytes
    lines: int
    """As said by whoever appended it; 0 = not said."""
    schema: int = 1
    """Version of the lines' form, as said by whoever appended it; not said = 1, what is no version = 0."""


class Bounds(NamedTuple):
    """The offsets that a partition holds: `start` ≤ offset < `end`."""

    start: int
    end: int


class Tail(Protocol):
    """A reader that follows one topic's partitions from given offsets."""

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """Return the next frames in offset order per partition, waiting up to `timeout_s` for the first."""

    def close(self) -> None:
        """Stop following; a `poll` under way returns soon."""


class EventLog(Protocol):
    """One log with its two topics."""

    @property
    def log_id(self) -> str:
        """Made with the log; another log has another id."""

    @property
    def partitions(self) -> int:
        """Number of partitions of both topics, fixed when the log was made."""

    @property
    def trim_after_ms(self) -> int | None:
        """How old frames must be before housekeeping trims those that are stored; None = the log forgets by itself."""

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        """Make all frames durable and return their offsets, in the given order."""

    def read(self, topic: str, partition: int, offset: int, limit_bytes: int) -> Sequence[Record]:
        """Return durable frames from `offset` on, at least one if there is one, about `limit_bytes` in all."""

    def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """Return each partition's offsets."""

    def follow(self, topic: str, offsets: Mapping[int, int]) -> Tail:
        """Follow the topic from the given offset of each partition; a missing partition starts at its end."""

    def trim(self, topic: str, before: Mapping[int, int], older_than_ms: int) -> int:
        """Forget frames below `before[partition]` that were appended before `older_than_ms`; return how many.

        The caller vouches that the store has everything below `before`.
        """

    def consumers(self) -> int:
        """Return how many processors are at work on this log now."""

    def close(self) -> None:
        """Release files, sockets and threads."""
