"""Faust's consumer on the Kafka log: a member of the processors' group, on Faust's own aiokafka driver.

aiokafka passes over what is no record (the marker of a stranger's transaction), cannot read every codec, and what Faust
drops of a batch it does not give again. So this consumer knows of each partition which offset comes next, and whenever
aiokafka stands elsewhere, or cannot go on, the next frames are read through the log itself, which has one for every
offset or says why not (`storage.event_log`).
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, LogUnavailable, LogUnreadable, Record
from storage.faust_handing import Handing
from storage.faust_kafka_thread import FETCH_BYTES, KafkaThread, RebalanceListener
from storage.kafka_log_records import lines_of, schema_of

_MEND_AGAIN_S: Final = 1.0


class KafkaConsumer(Handing, driver.Consumer):
    """Reads in aiokafka's thread, hands over on Faust's event loop, and holds only so much unfinished work."""

    RebalanceListener: ClassVar[type[driver.ConsumerRebalanceListener]] = RebalanceListener
    _thread: KafkaThread

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ends: dict[TP, int] = {}
        self._mend_at_s: dict[TP, float] = {}

    @property
    def _log(self) -> EventLog:
        return cast(EventLog, self.app.event_log)  # type: ignore[attr-defined]

    def _new_consumer_thread(self) -> KafkaThread:
        return KafkaThread(self, loop=self.loop, beacon=self.beacon)

    async def is_still_assigned(self) -> bool:
        """Ask the group's coordinator; False also if it cannot be asked."""
        return bool(await self._thread.call_thread(self._thread.is_still_member))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget where they stood."""
        for place in revoked:
            self._positions.pop(place, None)
            self._hand.drop(place)
        await super().on_partitions_revoked(revoked)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go on at the given offsets."""
        await self._thread.call_thread(self._thread.move, dict(partitions))
        for place, offset in partitions.items():
            self._stand_at(place, offset)
            self._read_offset[place] = offset or None

    async def _seek(self, partition: TP, offset: int) -> None:
        await self.seek_wait({partition: offset})

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, Any]:
        if not await self._wait_for_room(timeout):
            return {}
        now_s = time.monotonic()
        wanted = {
            place: offset
            for place, offset in self._wanted(active_partitions).items()
            if self._mend_at_s.get(place, 0.0) <= now_s
        }
        haul = await self._thread.call_thread(self._thread.take, wanted, timeout, self._hand.frames_max)
        self._ends.update(haul.ends)
        found = {place: _run(place, wanted[place], records) for place, records in haul.records.items()}
        for place in haul.strayed:
            found[place] = await self._mended(place, wanted[place])
        return {place: self._hand_out(place, wanted[place], records) for place, records in found.items() if records}

    async def _wait_for_room(self, timeout_s: float) -> bool:
        self._news.clear()
        if not self._hand.has_room():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), timeout_s)
        return self._hand.has_room()

    async def _mended(self, place: TP, offset: int) -> list[Record]:
        """Return the next frames as the log itself has them, and have aiokafka go on behind them."""
        try:
            records, bounds = await asyncio.to_thread(_read, self._log, place.partition, offset)
        except LogUnreadable as error:
            await self._stop_reading(place, offset, str(error))
            return []
        except LogUnavailable as error:
            self.log.warning("partition %d cannot be read from offset %d: %s", place.partition, offset, error)
            self._mend_at_s[place] = time.monotonic() + _MEND_AGAIN_S
            return []
        run = _unbroken(offset, records)
        if not run and not (bounds.start <= offset <= bounds.end and not records):
            await self._stop_reading(place, offset, f"the log holds offsets {bounds.start} to {bounds.end - 1}")
            return []
        self._mend_at_s[place] = 0.0 if run else time.monotonic() + _MEND_AGAIN_S
        await self._thread.call_thread(self._thread.move, {place: offset + len(run)})
        return run

    async def _stop_reading(self, place: TP, offset: int, why: str) -> None:
        if self._positions.get(place) != offset:
            return  # it was taken away, or sought elsewhere, meanwhile
        self.stop_reading(place.partition)
        if self._checkpoint is not None:
            await self._checkpoint.stand_still(place.partition, offset, why)

    def highwater(self, tp: TP) -> int:
        """Return the partition's end as last seen."""
        return self._ends.get(tp, 0)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return bool(await self._thread.call_thread(self._thread.commit_if_possible, dict(offsets)))

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Raise no alarm: a processor that waits for the store says so itself."""

    def close(self) -> None:
        """Do nothing: stopping closes everything, in the right thread."""


def _read(log: EventLog, partition: int, offset: int) -> tuple[Sequence[Record], Bounds]:
    return log.read(INPUTS_TOPIC, partition, offset, FETCH_BYTES), log.bounds(INPUTS_TOPIC)[partition]


def _run(place: TP, offset: int, found: list[Any]) -> list[Record]:
    """Return aiokafka's records as frames, up to the first missing offset."""
    return _unbroken(offset, (_record(place.partition, each) for each in found))


def _record(partition: int, found: Any) -> Record:
    return Record(
        *(INPUTS_TOPIC, partition, found.offset, found.timestamp, found.value or b""),
        lines=lines_of(found.headers),
        schema=schema_of(found.headers),
    )


def _unbroken(offset: int, records: Iterable[Record]) -> list[Record]:
    run: list[Record] = []
    for expected, record in enumerate(records, offset):
        if record.offset != expected:
            break
        run.append(record)
    return run
