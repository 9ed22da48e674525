"""Following a topic of the Kafka log: each leader is asked to answer as soon as something new is there."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from kafka import errors

from storage.event_log import Bounds, LogUnavailable, LogUnreadable, Record
from storage.kafka_log_client import Future, KafkaClient, Node
from storage.kafka_log_leaders import Leaders, Place
from storage.kafka_log_read import Fetched, fetch_request, fetched
from storage.kafka_log_reasons import reason
from storage.kafka_log_records import decode_records
from storage.kafka_log_topics import LogTopics

POLL_BYTES_MAX: Final = 4 * 1024 * 1024
"""About how much one poll gives of each broker, whatever has piled up."""
READ_BYTES_MAX: Final = 1024 * 1024
"""About how much of it one partition may take."""
_WAIT_MS: Final = 500
"""How long a broker holds its answer back while nothing is new."""
_ANSWER_S: Final = _WAIT_MS / 1000 + 5.0
_CONNECT_S: Final = 0.1
"""Reconnecting may take so long even if the caller waits for less."""
_REST_S: Final = 0.25
_REST_UNREADABLE_S: Final = 1.0
"""How long a partition is left alone after it could not be read."""


class _Asked(NamedTuple):
    """A request that a broker has not answered yet."""

    future: Future
    answer_by: float
    partitions: Sequence[int]


class KafkaTail:
    """The port's `Tail` over a Kafka log; `poll` and `close` may be called from different threads.

    Raises: LogUnavailable if the brokers cannot be reached.
    """

    def __init__(
        self,
        client: KafkaClient,
        log: LogTopics,
        topic: str,
        offsets: Mapping[int, int],
        *,
        bounds: Callable[[str], Mapping[int, Bounds]],
        on_close: "Callable[[KafkaTail], None]",
    ) -> None:
        """Shape: `offsets` of all partitions; `bounds` tells a topic's."""
        self._client = client
        self._leaders = Leaders(client, log.topics)
        self._topic = topic
        self._next = dict(offsets)
        self._bounds = bounds
        self._on_close = on_close
        self._asked: dict[Node, _Asked] = {}
        self._resting: dict[int, float] = {}
        self._troubles: dict[int, errors.KafkaError] = {}
        self._unreadable: LogUnreadable | None = None
        self._polling = threading.Lock()
        self._is_closed = False

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """Return the next frames in offset order per partition, waiting up to `timeout_s` for the first.

        Raises: LogUnavailable if a partition could not be followed and nothing else came; LogUnreadable, again and
        again, for a partition that cannot go on, while the others do.
        """
        give_up_at = time.monotonic() + timeout_s
        with self._polling:
            while not self._is_closed:
                self._raise_unreadable()
                self._ask(give_up_at)
                if records := self._take():
                    return records
                if time.monotonic() >= give_up_at:
                    break
                self._client.wait_for_any(min([give_up_at, *self._resting.values()]))
            if self._is_closed:
                return []
            self._raise_unreadable()
            for partition, trouble in self._troubles.items():
                raise LogUnavailable(
                    f"{self._client.url}: partition {partition} cannot be followed: {reason(trouble)}"
                ) from trouble
        return []

    def close(self) -> None:
        """Stop following; a `poll` under way returns soon."""
        self._is_closed = True
        self._client.wake()
        with self._polling:
            self._client.close()
        self._on_close(self)

    def _raise_unreadable(self) -> None:
        unreadable, self._unreadable = self._unreadable, None
        if unreadable is not None:
            raise unreadable

    def _ask(self, give_up_at: float) -> None:
        """Ask each leader that owes no answer about its partitions."""
        now = time.monotonic()
        self._resting = {partition: until for partition, until in self._resting.items() if until > now}
        asked = {partition for each in self._asked.values() for partition in each.partitions}
        free = [partition for partition in self._next if partition not in asked and partition not in self._resting]
        if not free:
            return
        patience = max(give_up_at, now + _CONNECT_S)
        if any(partition in self._troubles for partition in free):
            self._leaders.refresh(patience)
        groups = self._leaders.grouped((Place(self._topic, partition) for partition in free), patience)
        for node, places in groups.items():
            if node not in self._asked:
                self._ask_node(node, [place.partition for place in places], patience)
        led = {place.partition for places in groups.values() for place in places}
        self._rest([partition for partition in free if partition not in led], errors.LeaderNotAvailableError())

    def _ask_node(self, node: Node, partitions: Sequence[int], patience: float) -> None:
        request = fetch_request(
            self._leaders,
            self._topic,
            {partition: self._next[partition] for partition in partitions},
            wait_ms=_WAIT_MS,
            partition_bytes=READ_BYTES_MAX,
            total_bytes=POLL_BYTES_MAX,
        )
        try:
            future = self._client.send(node, request, patience)
        except errors.KafkaError as error:
            self._rest(partitions, error)
            return
        self._asked[node] = _Asked(future, time.monotonic() + _ANSWER_S, partitions)
        for partition in partitions:
            self._troubles.pop(partition, None)

    def _take(self) -> list[Record]:
        """Return what the brokers have answered."""
        records: list[Record] = []
        for node, asked in list(self._asked.items()):
            if not asked.future.is_done and time.monotonic() < asked.answer_by:
                continue
            del self._asked[node]
            if not asked.future.succeeded():
                self._client.drop(node)
                self._rest(asked.partitions, asked.future.exception or errors.KafkaTimeoutError("no answer in time"))
                continue
            try:
                for found in fetched(self._leaders, asked.future.value):
                    records += self._digest(found)
            except errors.KafkaError as error:
                self._rest(asked.partitions, error)
        return records

    def _digest(self, found: Fetched) -> list[Record]:
        partition = found.place.partition
        if found.error is errors.OffsetOutOfRangeError:
            self._find_place(partition)
            return []
        if found.error is not None:
            self._rest([partition], found.error())
            return []
        offset = self._next[partition]
        try:
            records = decode_records(self._topic, partition, offset, found.batches, READ_BYTES_MAX)
        except LogUnreadable as unreadable:
            self._unreadable = unreadable
            self._resting[partition] = time.monotonic() + _REST_UNREADABLE_S
            return []
        if records:
            del self._next[partition]  # to the end of the dictionary: its turn comes last next time
            self._next[partition] = records[-1].offset + 1
        return records

    def _find_place(self, partition: int) -> None:
        """Go on at the start if what was to come next is gone; wait if the log does not reach that far yet."""
        start = self._bounds(self._topic)[partition].start
        self._next[partition] = max(self._next[partition], start)
        self._resting[partition] = time.monotonic() + _REST_S

    def _rest(self, partitions: Sequence[int], trouble: errors.KafkaError) -> None:
        for partition in partitions:
            self._resting[partition] = time.monotonic() + _REST_S
            if partition not in self._troubles or not isinstance(trouble, errors.NodeNotReadyError):
                self._troubles[partition] = trouble
