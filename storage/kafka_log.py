"""The Kafka engine of the log: two topics of any cluster, 2.8 or newer (the port: storage/event_log.py).

Everybody has connections of their own: the one writer of the process, each reading thread, each tail; so nobody waits
for somebody else's answer. Partition and offset are Kafka's own.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from storage.event_log import INPUTS_TOPIC, Bounds, Frame, LogUnavailable, Record
from storage.kafka_log_append import Appender
from storage.kafka_log_client import KafkaClient
from storage.kafka_log_leaders import Place
from storage.kafka_log_read import Reader
from storage.kafka_log_tail import KafkaTail
from storage.kafka_log_topics import open_topics
from storage.kafka_url import KafkaUrl, parse_kafka_url

_OPEN_S: Final = 5.0
_READ_S: Final = 5.0
_IDLE_READERS_MAX: Final = 4


class KafkaLog:
    """The port's `EventLog` on a Kafka cluster.

    Raises: LogMismatch if the URL or the topics there do not fit, or the cluster does not let this user in;
    LogUnavailable if no broker answers in time.
    """

    def __init__(self, url: KafkaUrl | str, partitions: int, *, may_make: bool = True) -> None:
        self.url = parse_kafka_url(url) if isinstance(url, str) else url
        with contextlib.closing(KafkaClient(self.url)) as client:
            self._found = open_topics(client, partitions, time.monotonic() + _OPEN_S, may_make=may_make)
        self._partitions = partitions
        self._appender = Appender(KafkaClient(self.url, resets=True), self._found)
        self._readers_lock = threading.Lock()
        self._idle_readers: list[Reader] = []
        self._tails: set[KafkaTail] = set()
        self._is_closed = False

    @property
    def log_id(self) -> str:
        """Cluster and inputs topic; a topic that is deleted and made anew is another log."""
        return self._found.log_id

    @property
    def partitions(self) -> int:
        """Number of partitions of both topics, fixed when the log was made."""
        return self._partitions

    @property
    def trim_after_ms(self) -> None:
        """None: the brokers forget frames past the topics' own retention, without being asked."""
        return None

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        """Make all frames durable on all copies in sync and return their offsets, in the given order.

        Returns or raises after about `timeout_s`.
        Raises: LogUnavailable; LogInDoubt if a broker was given frames and did not answer in time, or took some and
        refused others; ValueError for a topic or partition that the log does not have.
        """
        if not frames:
            return []
        for frame in frames:
            self._place(frame.topic, frame.partition)
        return self._appender.append(frames, timeout_s)

    def read(self, topic: str, partition: int, offset: int, limit_bytes: int) -> Sequence[Record]:
        """Return durable frames from `offset` on, at least one if there is one, about `limit_bytes` in all.

        Raises: LogUnavailable; LogUnreadable.
        """
        place = self._place(topic, partition)
        with self._reader() as reader:
            return reader.read(place, offset, limit_bytes, time.monotonic() + _READ_S)

    def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """Return each partition's offsets.

        Raises: LogUnavailable.
        """
        places = [self._place(topic, partition) for partition in range(self._partitions)]
        with self._reader() as reader:
            found = reader.bounds(places, time.monotonic() + _READ_S)
        return {place.partition: found[place] for place in places}

    def follow(self, topic: str, offsets: Mapping[int, int]) -> KafkaTail:
        """Follow the topic from the given offset of each partition; a missing partition starts at its end.

        An offset below the partition's start means its start.
        Raises: LogUnavailable.
        """
        for partition in offsets:
            self._place(topic, partition)
        ends = {partition: bounds.end for partition, bounds in self.bounds(topic).items()}
        tail = KafkaTail(
            *(KafkaClient(self.url), self._found, topic, {**ends, **offsets}),
            bounds=self.bounds,
            on_close=self._tails.discard,
        )
        self._tails.add(tail)
        return tail

    def trim(self, topic: str, before: Mapping[int, int], older_than_ms: int) -> int:
        """Forget frames below `before[partition]` that were appended before `older_than_ms`; return how many.

        What remains is always the partition's newest part: the first frame that is too young ends the trimming. The
        brokers free the room file by file.
        Raises: LogUnavailable.
        """
        for partition in before:
            self._place(topic, partition)
        with self._reader() as reader:
            return reader.trim(topic, before, older_than_ms, time.monotonic() + _READ_S)

    def consumers(self) -> int:
        """Return how many processors are at work on this log now: members of their group that hold a partition.

        While the group settles who holds what, all its members count.
        Raises: LogUnavailable.
        """
        with self._reader() as reader:
            return reader.workers(INPUTS_TOPIC, time.monotonic() + _READ_S)

    def close(self) -> None:
        """Release sockets; tails end, later calls raise LogUnavailable."""
        for tail in list(self._tails):
            tail.close()
        with self._readers_lock:
            self._is_closed = True
            idle, self._idle_readers = self._idle_readers, []
        for reader in idle:
            reader.close()
        self._appender.close()

    def _place(self, topic: str, partition: int) -> Place:
        if topic not in self._found.topics:
            raise ValueError(f"the log has no topic {topic!r}, only {', '.join(self._found.topics)}")
        if not 0 <= partition < self._partitions:
            raise ValueError(f"the log has partitions 0 to {self._partitions - 1}, not {partition}")
        return Place(topic, partition)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[Reader]:
        """Lend a reader to one thread; whoever reads at the same time gets another."""
        with self._readers_lock:
            if self._is_closed:
                raise LogUnavailable(f"{self.url}: the log was closed")
            reader = self._idle_readers.pop() if self._idle_readers else None
        reader = reader or Reader(KafkaClient(self.url), self._found)
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        with self._readers_lock:
            if not self._is_closed and len(self._idle_readers) < _IDLE_READERS_MAX:
                self._idle_readers.append(reader)
                return
        reader.close()
