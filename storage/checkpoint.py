"""The store is the checkpoint: after an assignment Faust's consumer starts where the processor says, not where Faust
committed (design section 6).

`CheckpointSeek` is mixed into the consumer of each log engine. It finds the checkpoint at `app.checkpoint` and the
inputs topic's name in this engine at `app.inputs_topic`; an app without a checkpoint, and topics other than the inputs,
are positioned as in Faust.
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
        """Make the partitions ours, and none but these; return the next offset of each in the inputs topic.

        Called after every assignment, before anything of the inputs topic is delivered. A partition that the mapping
        leaves out is not read. Without partitions nothing is left for this worker. What is raised ends the worker.
        """

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Finish with partitions that were, or were being, taken over: they were revoked, or the consumer stops.

        Nothing more of them is delivered; another worker may have them as soon as this returns.
        """

    async def stand_still(self, partition: int, offset: int, why: str) -> None:
        """Be told that the log does not hand over what stands at the offset; the partition is not read any further."""


class CheckpointSeek(Consumer):
    """A Faust consumer that starts the inputs topic where `app.checkpoint` says."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._assignments = 0
        self._seeked_assignment = 0
        self._seeking = asyncio.Lock()
        self._taken_over: frozenset[int] = frozenset()
        self._not_read: set[TP] = set()
        """Places that are assigned and stand still."""
        self._has_failed = asyncio.Event()
        self._failure: Exception | None = None

    @property
    def inputs_topic(self) -> str:
        """The inputs topic's name in this engine."""
        return getattr(self.app, "inputs_topic", INPUTS_TOPIC)

    @property
    def _checkpoint(self) -> Checkpoint | None:
        return getattr(self.app, "checkpoint", None)

    def fail(self, error: Exception) -> None:
        """Note what only a person can mend."""
        self._failure = error
        self._has_failed.set()

    async def failed(self) -> None:
        """Raise what only a person can mend, as soon as there is such a thing."""
        await self._has_failed.wait()
        if self._failure is not None:
            raise self._failure

    async def is_still_assigned(self) -> bool:
        """Tell whether what is assigned here is assigned to nobody else by now."""
        return True

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Note that the next seek has to ask the checkpoint; without partitions there is none."""
        self._assignments += 1
        await super().on_partitions_assigned(assigned, generation_id)
        if self._checkpoint is not None and not self._inputs_partitions(assigned):
            await self._checkpoint.take_over(frozenset())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let Faust stop the flow and wait for what it waits for; then tell the checkpoint."""
        await super().on_partitions_revoked(revoked)
        await self._give_up(self._inputs_partitions(revoked))

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
            return
        async with self._seeking:
            assignment = self._assignments
            if self._seeked_assignment == assignment:
                return
            self.stop_flow()  # Faust resumes it right after the seek
            async with asyncio.timeout(self.app.conf.broker_request_timeout * _TIMEOUT_SHARE):
                await self._seek_to_checkpoint(checkpoint)
            self._seeked_assignment = assignment

    async def read_from(self, partition: int, offset: int) -> None:
        """Deliver the inputs topic's partition from the offset on, also if it stood still."""
        place = TP(self.inputs_topic, partition)
        self._not_read.discard(place)
        await self.seek(place, offset)

    def stop_reading(self, partition: int) -> None:
        """Deliver no more of the inputs topic's partition."""
        self._not_read.add(TP(self.inputs_topic, partition))

    async def _seek_to_checkpoint(self, checkpoint: Checkpoint) -> None:
        places = self.assignment()
        partitions = self._inputs_partitions(places)
        self._taken_over = partitions  # from here on they have to be given up
        offsets = await checkpoint.take_over(partitions) if partitions else {}
        if any(place.topic != self.inputs_topic for place in places):
            await super().perform_seek()
        found = {TP(self.inputs_topic, partition): offset for partition, offset in offsets.items()}
        self._not_read = {TP(self.inputs_topic, partition) for partition in partitions} - found.keys()
        await self.seek_wait(found)
        self._committed_offset.update({place: offset or None for place, offset in found.items()})

    async def _give_up(self, partitions: frozenset[int]) -> None:
        checkpoint = self._checkpoint
        given_up = partitions & self._taken_over
        if checkpoint is not None and given_up:
            self._taken_over -= given_up
            await checkpoint.give_up(given_up)

    def _inputs_partitions(self, places: Iterable[TP]) -> frozenset[int]:
        return frozenset(place.partition for place in places if place.topic == self.inputs_topic)
