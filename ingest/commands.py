"""Commands: inputs that are made durable, and inputs whose decision is waited for.

Every way in which it can fail is an `Unanswered`, which the edges turn into their own 503: the line is not in the log
and never will be, or the log does not know whether it has it, or it has it and the decision was not heard in time; then
it may still be applied, which is why commands are idempotent by id. Source: design sections 3 and 5.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

import uuid_utils

from ingest.decisions import DecisionFollower
from ingest.lines import Line, placed
from ingest.metrics import Metrics
from ingest.writer import FrameWriter
from storage.decisions import Decision


class Unanswered(Exception):
    """The input could not be made durable, or its decision did not come in time."""


class NotWritten(Unanswered):
    """The log has none of the lines and never will."""


class WriteInDoubt(Unanswered):
    """The log did not say in time whether it has the lines."""


class DecisionLate(Unanswered):
    """The lines are durable, but what was decided about them was not heard in time."""


class Placed(NamedTuple):
    """An encoded line with its place, and what to wait for."""

    partition: int
    line: bytes
    waited: tuple[str, str, str]


def new_id() -> str:
    """Return a new id: a UUIDv7, so that ids sort by time."""
    return str(uuid_utils.uuid7())


class Commands:
    """Puts inputs into the log and waits for what is decided."""

    def __init__(
        self, writer: FrameWriter, follower: DecisionFollower, partitions: int, timeout_s: float, metrics: Metrics
    ) -> None:
        self._writer = writer
        self._follower = follower
        self._partitions = partitions
        self._timeout_s = timeout_s
        self._metrics = metrics

    async def record(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Return when all `(partition, line)` are durable.

        Raises: NotWritten, WriteInDoubt.
        """
        durable = self._writer.add_all(lines)
        if not await durable:
            if not durable.is_taken:
                raise NotWritten("the log is away" if self._writer.trouble else "too much waits for the log")
            if durable.is_in_doubt:
                raise WriteInDoubt("the log did not say in time whether it took the inputs; send them with the same id")
            raise NotWritten("the log did not take the inputs in time")

    async def ask(self, line: Line) -> Decision:
        """Return the decision about the line, which carries an `id`.

        Raises: Unanswered.
        """
        partition, encoded = placed(line, self._partitions)
        (decision,) = await self.ask_all([Placed(partition, encoded, (line.room_kind, line.room, line.id))])
        return decision

    async def ask_all(self, lines: Sequence[Placed], patience: float = 1.0) -> list[Decision]:
        """Return the decisions about all the lines, in their order; `patience` times the time that one may take.

        Raises: Unanswered.
        """
        begun_s = time.monotonic()
        futures = [self._follower.expect(item.waited) for item in lines]
        try:
            await self.record([(item.partition, item.line) for item in lines])
            async with asyncio.timeout(self._timeout_s * patience):
                decisions = [await future for future in futures]
            self._metrics.decision_wait_seconds.observe(time.monotonic() - begun_s)
            return decisions
        except TimeoutError:
            self._metrics.decisions_late.inc()
            raise DecisionLate("the decision did not come in time") from None
        finally:
            for item, future in zip(lines, futures, strict=True):
                self._follower.forget(item.waited, future)
