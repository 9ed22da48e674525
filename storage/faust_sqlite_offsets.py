"""Where a consumer on the SQLite log stands: its positions, its commits and the bounds of its partitions."""

import asyncio
from collections.abc import Mapping
from typing import Any
from zlib import crc32

from faust.exceptions import ConsumerNotStarted
from faust.types import TP

from storage.event_log import LogUnavailable
from storage.faust_handing import Handing
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_file import TOPIC_NUMBERS


class SqliteOffsets(Handing):
    """The part of the consumer that Faust asks about offsets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._opened: SqliteLog | None = None
        self._assigned: set[TP] = set()
        self._ends: dict[TP, int] = {}

    @property
    def _log(self) -> SqliteLog:
        if self._opened is None:
            raise ConsumerNotStarted("the consumer has no log open")
        return self._opened

    def assignment(self) -> set[TP]:
        """Return the partitions that are ours now."""
        return set(self._assigned)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to its committed offset, or its start, and return where."""
        group = self.app.conf.id
        offsets: dict[TP, int] = {}
        for topic in {place.topic for place in self._assigned}:
            committed = await asyncio.to_thread(self._log.committed, group, topic)
            bounds = await asyncio.to_thread(self._log.bounds, topic)
            for partition, (start, _) in bounds.items():
                offsets[TP(topic, partition)] = max(start, committed.get(partition, start))
        for place, offset in offsets.items():
            await self._seek(place, offset)
        return offsets

    async def _seek(self, partition: TP, offset: int) -> None:
        self._stand_at(partition, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Seek the partitions to the given offsets."""
        for place, offset in partitions.items():
            await self.seek(place, offset)

    def highwater(self, tp: TP) -> int:
        """Return the partition's end as last seen."""
        return self._ends.get(tp, 0)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the end of each partition."""
        bounds = await self._bounds(partitions)
        return {place: end for place, (_, end) in bounds.items()}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the start of each partition."""
        bounds = await self._bounds(partitions)
        return {place: start for place, (start, _) in bounds.items()}

    async def _bounds(self, places: tuple[TP, ...]) -> dict[TP, tuple[int, int]]:
        topics = {place.topic for place in places}
        bounds = {topic: await asyncio.to_thread(self._log.bounds, topic) for topic in topics}
        return {place: bounds[place.topic][place.partition] for place in places}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Store the offsets; where the log refuses, older ones stay and a restart repeats more."""
        by_topic: dict[str, dict[int, int]] = {}
        for place, offset in offsets.items():
            by_topic.setdefault(place.topic, {})[place.partition] = offset
        try:
            for topic, next_offsets in by_topic.items():
                await asyncio.to_thread(self._log.commit, self.app.conf.id, topic, next_offsets)
        except LogUnavailable as error:
            self.log.warning("Offsets were not committed: %s", error)
            return False
        return True

    def topic_partitions(self, topic: str) -> int | None:
        """Return the number of partitions of a topic, None if the log does not have it."""
        return self._log.partitions if topic in TOPIC_NUMBERS else None

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Return the given partition, or that of the key: its CRC-32 modulo the number of partitions."""
        return crc32(key or b"") % self._log.partitions if partition is None else partition

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def create_topic(self, topic: str, partitions: int, replication: int, **_options: Any) -> None:
        """Do nothing: both topics were made with the log."""
