"""Faust's producer on the SQLite log: what is sent while a write is in flight goes into the next transaction."""

import asyncio
from collections import deque
from typing import Any, NamedTuple
from zlib import crc32

from faust.exceptions import ImproperlyConfigured, ProducerSendError
from faust.transport.producer import Producer
from faust.types import TP, HeadersArg
from faust.types.tuples import RecordMetadata
from mode import Service

from storage.event_log import Frame, LogUnavailable
from storage.open_log import sqlite_path
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_file import TOPIC_NUMBERS

APPEND_TIMEOUT_S = 5.0
WAITING_BYTES_MAX = 16 * 1024 * 1024
"""Past this `send` waits for room."""
_BATCH_FRAMES_MAX = 1000


class _Waiting(NamedTuple):
    frame: Frame
    sent: "asyncio.Future[RecordMetadata]"


class SqliteProducer(Producer):
    """Appends off the event loop; a message's future resolves once it is durable."""

    def __post_init__(self) -> None:
        self._log: SqliteLog | None = None
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._has_work = asyncio.Event()
        self._has_room = asyncio.Event()
        self._writing = asyncio.Lock()

    async def on_start(self) -> None:
        """Open the log."""
        await super().on_start()
        path = sqlite_path(str(self.transport.url[0]))
        self._log = await asyncio.to_thread(SqliteLog, path, self.app.conf.topic_partitions)

    async def on_stop(self) -> None:
        """Write what still waits, then close the log."""
        await super().on_stop()
        await self.flush()
        log, self._log = self._log, None
        if log is not None:
            await asyncio.to_thread(log.close)

    async def send(  # noqa: PLR0917  # the signature is Faust's
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> "asyncio.Future[RecordMetadata]":
        """Schedule the message; the future's result is its place in the log.

        A message without a partition goes to that of its key's CRC-32. The log stamps the time itself.
        Raises: ProducerSendError for a place that the log does not have; from the future, if the log did not take the
        message, which will not appear later then.
        """
        place = self._place(topic, key, partition)
        while self._waiting_bytes >= WAITING_BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()
        content = value or b""
        frame = Frame(place.topic, place.partition, content, content.count(b"\n") + 1)
        sent: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(frame, sent))
        self._waiting_bytes += len(content)
        self._has_work.set()
        return sent

    async def send_and_wait(  # noqa: PLR0917  # the signature is Faust's
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> RecordMetadata:
        """Send the message and return once it is durable."""
        return await (await self.send(topic, key, value, partition, timestamp, headers))

    async def flush(self) -> None:
        """Return once everything sent so far is durable or refused."""
        await self.buffer.flush()
        async with self._writing:
            while self._waiting:
                await self._write_batch()

    async def create_topic(self, topic: str, partitions: int, replication: int, **_options: Any) -> None:
        """Do nothing: both topics were made with the log."""

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Return the partition of a key: its CRC-32 modulo the number of partitions."""
        return TP(topic, crc32(key) % self._opened_log().partitions)

    def _place(self, topic: str, key: bytes | None, partition: int | None) -> TP:
        place = self.key_partition(topic, key or b"") if partition is None else TP(topic, partition)
        if place.topic not in TOPIC_NUMBERS or not 0 <= place.partition < self._opened_log().partitions:
            raise ProducerSendError(f"the log has no topic {place.topic!r} with a partition {place.partition}")
        return place

    def _opened_log(self) -> SqliteLog:
        if self._log is None:
            raise ImproperlyConfigured("the producer is not started")
        return self._log

    @Service.task
    async def _write(self) -> None:
        while not self.should_stop:
            await self._has_work.wait()
            self._has_work.clear()
            async with self._writing:
                while self._waiting:
                    await self._write_batch()

    async def _write_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH_FRAMES_MAX))]
        frames = [waiting.frame for waiting in batch]
        try:
            offsets = await asyncio.to_thread(self._opened_log().append, frames, APPEND_TIMEOUT_S)
        except LogUnavailable as error:
            for _, sent in batch:
                if not sent.done():
                    sent.set_exception(ProducerSendError(str(error)))
        else:
            for (frame, sent), offset in zip(batch, offsets, strict=True):
                if not sent.done():
                    place = TP(frame.topic, frame.partition)
                    sent.set_result(RecordMetadata(place.topic, place.partition, place, offset))
        finally:
            self._waiting_bytes -= sum(len(frame.value) for frame in frames)
            self._has_room.set()
