"""The store is the checkpoint: after an assignment Faust's consumer starts where the processor says, not where Faust
committed (design section 6).

`CheckpointSeek` is mixed into the consumer of each log engine. It finds the checkpoint at `app.checkpoint`; an app
without one, and topics other than the inputs, are positioned as in Faust.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from faust.transport.consumer import Consumer
from faust.types import TP

from storage.event_log import INPUTS_TOPIC

_TIMEOUT_SHARE = 0.9
"""Of Faust's own limit, past which it would cancel the seek and stand still without a word."""


class Checkpoint(Protocol):
    """Where the store stands; the processor has one at `app.checkpoint`."""

    async def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Make the partitions ours and return the next offset of each in the inputs topic.

        Called after every assignment, before anything of the inputs topic is delivered. A partition that the mapping
        leaves out is not read. What is raised ends the worker.
        """

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Finish with partitions taken over before: they were revoked, or the consumer stops.

        Nothing more of them is delivered; another worker may have them as soon as this returns.
        """


class CheckpointSeek(Consumer):
    """A Faust consumer that starts the inputs topic where `app.checkpoint` says."""

    _is_take_over_due = False
    _taken_over: frozenset[int] = frozenset()

    @property
    def _checkpoint(self) -> Checkpoint | None:
        return getattr(self.app, "checkpoint", None)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Note that the next seek has to ask the checkpoint."""
        self._is_take_over_due = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust stop the flow and wait for what it waits for; then tell the checkpoint."""
        await super().on_partitions_revoked(revoked)
        await self._give_up(_inputs_partitions(revoked))

    async def on_stop(self) -> None:
        """Tell the checkpoint, then commit and stop."""
        await self._give_up(self._taken_over)
        await super().on_stop()

    async def perform_seek(self) -> None:
        """Position every assigned partition, the inputs topic's where the checkpoint says.

        Faust also calls this when it has fetched something while the flow was stopped. That needs no seek: the
        assignment that follows brings one, and a worker that is stopping must not take its partitions over again.
        Raises: TimeoutError if the checkpoint does not answer in time, which ends the worker.
        """
        checkpoint = self._checkpoint
        if checkpoint is None:
            await super().perform_seek()
        elif self._is_take_over_due:
            self.stop_flow()  # Faust resumes it right after the seek
            async with asyncio.timeout(self.app.conf.broker_request_timeout * _TIMEOUT_SHARE):
                await self._seek_to_checkpoint(checkpoint)
            self._is_take_over_due = False

    async def _seek_to_checkpoint(self, checkpoint: Checkpoint) -> None:
        assigned = _inputs_partitions(self.assignment())
        offsets = await checkpoint.take_over(assigned) if assigned else {}
        self._taken_over = assigned
        await super().perform_seek()
        for partition in assigned:
            place = TP(INPUTS_TOPIC, partition)
            if partition not in offsets:
                self.pause_partitions({place})
                continue
            offset = offsets[partition]
            await self.seek(place, offset)
            self._committed_offset[place] = offset or None

    async def _give_up(self, partitions: frozenset[int]) -> None:
        checkpoint = self._checkpoint
        given_up = partitions & self._taken_over
        if checkpoint is not None and given_up:
            self._taken_over -= given_up
            await checkpoint.give_up(given_up)


def _inputs_partitions(places: Iterable[TP]) -> frozenset[int]:
    return frozenset(place.partition for place in places if place.topic == INPUTS_TOPIC)
