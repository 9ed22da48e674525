"""Writing to the Kafka log: one request to each broker carries one batch of each partition, acknowledged by all copies.

Batches are numbered (Kafka's idempotent producer), so that a broker recognises one that is sent again: a retry neither
doubles nor reorders. One batch of a partition is under way at a time. A batch is sent again only under its own number
and only until the call's time is up. Then its connection is reset, which throws away what was not sent, and the
writer's epoch is raised: from the next batch of the partition on, the broker refuses what is left of the older epoch.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from kafka import errors
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest

from storage.clock import now_ms
from storage.event_log import Frame, LogInDoubt, LogUnavailable
from storage.kafka_log_batches import Batch, batches_of, turns_of
from storage.kafka_log_client import KafkaClient
from storage.kafka_log_leaders import Leaders, Place
from storage.kafka_log_reasons import reason
from storage.kafka_log_records import Sequenced, encode_batch
from storage.kafka_log_topics import LogTopics

_ALL_COPIES: Final = -1
_ATTEMPT_S: Final = 10.0
"""A broker that does not answer for so long is asked again, or another that leads by then."""
_PAUSES_S: Final = (0.02, 0.05, 0.1, 0.2)
_EPOCH_MAX: Final = (1 << 15) - 2
_SEQUENCES: Final = 1 << 31
_UNKNOWN_WRITER: Final = (
    errors.OutOfOrderSequenceNumberError,
    errors.UnknownProducerIdError,
    errors.InvalidProducerEpochError,
)
_NOTHING_WRITTEN: Final = (
    *_UNKNOWN_WRITER,
    errors.NotEnoughReplicasError,
    errors.UnknownTopicIdError,
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidRecordError,
    errors.AuthorizationError,
)
"""What a broker says before it writes. A leader that steps down says so of batches that it has written."""


class Appender:
    """The one writer of a process; safe from any thread."""

    def __init__(self, client: KafkaClient, log: LogTopics) -> None:
        self._client = client
        self._leaders = Leaders(client, log.topics)
        self._batch_bytes_max = log.batch_bytes_max
        self._turn = threading.Lock()
        self._is_closed = False
        self._writer: Sequenced | None = None
        self._sequences: dict[Place, int] = {}
        self._trouble: BaseException | None = None

    def append(self, frames: Sequence[Frame], timeout_s: float) -> list[int]:
        """Write the frames and return their offsets, in the given order.

        Raises: LogUnavailable if nothing was written; LogInDoubt if something was or may be.
        """
        give_up_at = time.monotonic() + timeout_s
        if not self._turn.acquire(timeout=max(0.0, timeout_s)):
            raise LogUnavailable(f"{self._client.url}: other threads kept the log busy for too long")
        try:
            if self._is_closed:
                raise LogUnavailable(f"{self._client.url}: the log was closed")
            return self._append(frames, give_up_at)
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close the connections, after a call that is under way."""
        with self._turn:
            if not self._is_closed:
                self._is_closed = True
                self._client.close()

    def _append(self, frames: Sequence[Frame], give_up_at: float) -> list[int]:
        batches = batches_of(frames, self._batch_bytes_max)
        self._trouble = None
        try:
            for turn in turns_of(batches):
                self._write(turn, give_up_at)
        except LogUnavailable as error:
            self._leaders.forget()  # another broker may lead when the next call comes
            if any(batch.is_in_doubt for batch in batches):
                self._raise_epoch()
            elif all(batch.offset < 0 for batch in batches):
                raise
            raise LogInDoubt(f"{error}; some of it may be in the log") from error
        except BaseException:
            self._raise_epoch()
            raise
        offsets = [-1] * len(frames)
        for batch in batches:
            for offset, index in enumerate(batch.indexes, batch.offset):
                offsets[index] = offset
        return offsets

    def _write(self, batches: list[Batch], give_up_at: float) -> None:
        """Write batches of different partitions, again and again until all are acknowledged."""
        pending = {batch.place: batch for batch in batches}
        for pause_s in itertools.chain(_PAUSES_S, itertools.repeat(_PAUSES_S[-1])):
            with self._noting_trouble(give_up_at):
                self._attempt(pending, give_up_at)
            pending = {place: batch for place, batch in pending.items() if batch.offset < 0}
            if not pending:
                return
            if time.monotonic() < give_up_at:
                self._client.wait_for_any(min(give_up_at, time.monotonic() + pause_s))
                with self._noting_trouble(give_up_at):
                    self._leaders.refresh(give_up_at)
            if time.monotonic() >= give_up_at:
                raise LogUnavailable(f"{self._client.url} did not take the frames in time: {reason(self._trouble)}")

    def _attempt(self, pending: dict[Place, Batch], give_up_at: float) -> None:
        writer = self._writer or self._introduce(give_up_at)
        self._client.look()  # a connection that has ended meanwhile must not be given anything: that would be in doubt
        groups = self._leaders.grouped(pending, give_up_at)
        if sum(map(len, groups.values())) < len(pending):
            self._trouble = errors.LeaderNotAvailableError("a partition has no leader now, or its topic is gone")
        sent = []
        for node, places in groups.items():
            group = [pending[place] for place in places]
            request = self._request(writer, group, give_up_at)
            with self._noting_trouble(give_up_at):
                future = self._client.send(node, request, give_up_at)
                doubted = {batch.place for batch in group if batch.is_in_doubt}
                for batch in group:
                    batch.is_in_doubt = True
                sent.append((node, future, doubted))
        self._client.wait((future for _, future, _ in sent), min(give_up_at, time.monotonic() + _ATTEMPT_S))
        problems: list[errors.BrokerResponseError] = []
        for node, future, doubted in sent:
            if future.succeeded():
                problems += self._taken(future.value, pending, doubted)
            else:
                self._trouble = future.exception or errors.KafkaTimeoutError("no answer in time")
                self._client.drop(node)
        self._consider(problems, pending.values())

    def _request(self, writer: Sequenced, batches: Iterable[Batch], give_up_at: float) -> Any:
        by_topic: dict[str, list[Any]] = {}
        topic_data = ProduceRequest.TopicProduceData
        for batch in batches:
            if batch.encoded is None:
                sequenced = writer._replace(sequence=self._sequences.get(batch.place, 0))
                batch.encoded = encode_batch(batch.frames, sequenced, now_ms())
            by_topic.setdefault(batch.place.topic, []).append(
                topic_data.PartitionProduceData(index=batch.place.partition, records=batch.encoded)
            )
        topics = self._leaders.topics
        return ProduceRequest(
            transactional_id=None,
            acks=_ALL_COPIES,
            timeout_ms=max(1, int((give_up_at - time.monotonic()) * 1000)),
            topic_data=[
                topic_data(name=topics[logical].name, topic_id=topics[logical].id, partition_data=partitions)
                for logical, partitions in by_topic.items()
            ],
        )

    def _taken(
        self, response: Any, pending: dict[Place, Batch], doubted: set[Place]
    ) -> Iterator[errors.BrokerResponseError]:
        """Note what the broker says of each batch; yield what it says against one."""
        for topic in response.responses:
            logical = self._leaders.logical(topic.name, topic.topic_id)
            for said in topic.partition_responses:
                batch = pending[Place(logical, said.index)]
                if said.error_code == 0 and said.base_offset >= 0:
                    batch.offset, batch.is_in_doubt = said.base_offset, False
                    sequence = self._sequences.get(batch.place, 0) + len(batch.frames)
                    self._sequences[batch.place] = sequence % _SEQUENCES
                    continue
                error = errors.for_code(said.error_code)
                if issubclass(error, _NOTHING_WRITTEN):
                    batch.is_in_doubt = batch.place in doubted
                yield error(f"{error.__name__} {said.error_message or error.description or ''}".strip())

    def _consider(self, problems: Sequence[errors.BrokerResponseError], batches: Iterable[Batch]) -> None:
        """Give up where trying again does not help."""
        for problem in problems:
            self._trouble = problem
            if isinstance(problem, _UNKNOWN_WRITER):
                if any(batch.is_in_doubt for batch in batches):
                    raise LogUnavailable(f"{self._client.url} lost count of this writer: {reason(problem)}")
                self._raise_epoch()
                for batch in batches:
                    batch.encoded = None
            elif not isinstance(problem, errors.RetriableError):
                raise LogUnavailable(f"{self._client.url} refused the frames: {reason(problem)}")

    def _introduce(self, give_up_at: float) -> Sequenced:
        """Have the cluster give this writer an id."""
        node = self._leaders.any_broker(give_up_at)
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1, max_version=4)
        response = self._client.call(node, request, give_up_at)
        if response.error_code:
            error = errors.for_code(response.error_code)
            if issubclass(error, errors.RetriableError):
                raise error(error.description)
            raise LogUnavailable(f"{self._client.url} does not let this user write: {error.__name__}")
        self._writer = Sequenced(response.producer_id, response.producer_epoch, 0)
        return self._writer

    def _raise_epoch(self) -> None:
        """Begin to count anew: a broker that takes a batch of the new epoch takes none of the old one any more."""
        self._sequences.clear()
        if self._writer is not None:
            epoch = self._writer.epoch + 1
            self._writer = self._writer._replace(epoch=epoch) if epoch <= _EPOCH_MAX else None

    @contextlib.contextmanager
    def _noting_trouble(self, give_up_at: float) -> Iterator[None]:
        """Let the work fail; what fails because the time is up says less than what failed before."""
        try:
            yield
        except errors.KafkaError as error:
            self._trouble = error
        except LogUnavailable:
            if self._trouble is None or time.monotonic() < give_up_at:
                raise
