"""Reading from the Kafka log: its bounds, and frames from an offset on."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from kafka import errors
from kafka.protocol.admin import DeleteRecordsRequest
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest

from storage.event_log import Bounds, LogUnavailable, Record
from storage.kafka_log_client import KafkaClient
from storage.kafka_log_group import count_workers
from storage.kafka_log_leaders import Leaders, Place
from storage.kafka_log_reasons import reason
from storage.kafka_log_records import decode_records
from storage.kafka_log_topics import LogTopics

EARLIEST: Final = -2
LATEST: Final = -1
_NO_REPLICA: Final = -1
_PAUSE_S: Final = 0.05

Result = TypeVar("Result")


class Fetched(NamedTuple):
    """What a broker returned of one partition."""

    place: Place
    error: type[errors.BrokerResponseError] | None
    batches: bytes


def fetch_request(
    leaders: Leaders, topic: str, offsets: Mapping[int, int], *, wait_ms: int, partition_bytes: int, total_bytes: int
) -> FetchRequest:
    """Return the request for what follows the offsets of a topic's partitions, waiting so long for the first byte."""
    physical = leaders.topics[topic]
    fetch_topic = FetchRequest.FetchTopic
    return FetchRequest(
        replica_id=_NO_REPLICA,
        max_wait_ms=wait_ms,
        min_bytes=1,
        max_bytes=total_bytes,
        topics=[
            fetch_topic(
                topic=physical.name,
                topic_id=physical.id,
                partitions=[
                    fetch_topic.FetchPartition(
                        partition=partition, fetch_offset=offset, partition_max_bytes=partition_bytes
                    )
                    for partition, offset in offsets.items()
                ],
            )
        ],
    )


def fetched(leaders: Leaders, response: Any) -> Iterator[Fetched]:
    """Yield what the response says of each partition.

    Raises: kafka's errors if it answers for none.
    """
    if response.error_code:
        raise errors.for_code(response.error_code)()
    for topic in response.responses:
        logical = leaders.logical(topic.topic, topic.topic_id)
        for said in topic.partitions:
            error = errors.for_code(said.error_code) if said.error_code else None
            yield Fetched(Place(logical, said.partition_index), error, said.records or b"")


class Reader:
    """Reads with connections of its own; for one thread at a time."""

    def __init__(self, client: KafkaClient, log: LogTopics) -> None:
        self._client = client
        self._leaders = Leaders(client, log.topics)

    def read(self, place: Place, offset: int, limit_bytes: int, give_up_at: float) -> list[Record]:
        """Return frames from `offset` on, at least one if there is one, about `limit_bytes` in all.

        Raises: LogUnavailable; LogUnreadable.
        """
        return self._until(give_up_at, lambda: self._read(place, offset, limit_bytes, give_up_at))

    def _read(self, place: Place, offset: int, limit_bytes: int, give_up_at: float) -> list[Record]:
        (node,) = self._leaders.grouped([place], give_up_at) or [None]
        if node is None:
            raise errors.LeaderNotAvailableError
        request = fetch_request(
            self._leaders,
            place.topic,
            {place.partition: offset},
            wait_ms=0,
            partition_bytes=max(1, limit_bytes),
            total_bytes=max(1, limit_bytes),
        )
        (found,) = fetched(self._leaders, self._client.call(node, request, give_up_at))
        if found.error is errors.OffsetOutOfRangeError:
            start, end = self._offsets([place], give_up_at)[place]
            if start <= offset < end:
                raise errors.OffsetNotAvailableError  # the end or the leader moved meanwhile
            return self._read(place, start, limit_bytes, give_up_at) if offset < start < end else []
        if found.error is not None:
            raise found.error
        return decode_records(place.topic, place.partition, offset, found.batches, limit_bytes)

    def bounds(self, places: Sequence[Place], give_up_at: float) -> dict[Place, Bounds]:
        """Return the offsets of each partition.

        Raises: LogUnavailable.
        """
        return self._until(give_up_at, lambda: self._offsets(places, give_up_at))

    def _offsets(self, places: Sequence[Place], give_up_at: float) -> dict[Place, Bounds]:
        # The end first: what is trimmed meanwhile must not put the start behind it.
        ends = self._listed(places, LATEST, give_up_at)
        starts = self._listed(places, EARLIEST, give_up_at)
        return {place: Bounds(starts[place], max(starts[place], ends[place])) for place in places}

    def trim(self, topic: str, before: Mapping[int, int], older_than_ms: int, give_up_at: float) -> int:
        """Forget the topic's frames below the offsets up to the first that is not older; return how many.

        Raises: LogUnavailable.
        """
        places = {Place(topic, partition): offset for partition, offset in before.items()}
        return self._until(give_up_at, lambda: self._trim(places, older_than_ms, give_up_at))

    def _trim(self, before: Mapping[Place, int], older_than_ms: int, give_up_at: float) -> int:
        places = list(before)
        bounds = self._offsets(places, give_up_at)
        young = self._listed(places, max(0, older_than_ms), give_up_at)
        cuts = {}
        for place in places:
            start, end = bounds[place]
            cut = min(before[place], end, young[place] if young[place] >= 0 else end)
            if cut > start:
                cuts[place] = cut
        self._delete(cuts, give_up_at)
        return sum(cut - bounds[place].start for place, cut in cuts.items())

    def _delete(self, cuts: Mapping[Place, int], give_up_at: float) -> None:
        topic = DeleteRecordsRequest.DeleteRecordsTopic

        def request(group: Sequence[Place]) -> Any:
            cut = [topic.DeleteRecordsPartition(partition_index=place.partition, offset=cuts[place]) for place in group]
            name = self._leaders.topics[group[0].topic].name
            timeout_ms = max(1, int((give_up_at - time.monotonic()) * 1000))
            return DeleteRecordsRequest(topics=[topic(name=name, partitions=cut)], timeout_ms=timeout_ms)

        for _ in self._said(cuts, request, give_up_at):
            pass

    def _listed(self, places: Iterable[Place], at_ms: int, give_up_at: float) -> dict[Place, int]:
        """Return each partition's first offset at or after the time; -1 = none. The places are of one topic."""
        topic = ListOffsetsRequest.ListOffsetsTopic

        def request(group: Sequence[Place]) -> Any:
            asked = [topic.ListOffsetsPartition(partition_index=place.partition, timestamp=at_ms) for place in group]
            name = self._leaders.topics[group[0].topic].name
            return ListOffsetsRequest(
                replica_id=_NO_REPLICA, isolation_level=0, topics=[topic(name=name, partitions=asked)]
            )

        return {place: said.offset for place, said in self._said(places, request, give_up_at)}

    def _said(
        self, places: Iterable[Place], request: Callable[[Sequence[Place]], Any], give_up_at: float
    ) -> Iterator[tuple[Place, Any]]:
        """Ask each leader about its partitions and yield what is said of each.

        Raises: kafka's errors.
        """
        wanted = list(places)
        groups = self._leaders.grouped(wanted, give_up_at)
        if sum(map(len, groups.values())) < len(wanted):
            raise errors.LeaderNotAvailableError
        for node, group in groups.items():
            for topic in self._client.call(node, request(group), give_up_at).topics:
                for said in topic.partitions:
                    if said.error_code:
                        raise errors.for_code(said.error_code)()
                    yield Place(self._leaders.logical(topic.name), said.partition_index), said

    def _until(self, give_up_at: float, work: Callable[[], Result]) -> Result:
        """Do it, again and again as long as that may help."""
        while True:
            try:
                return work()
            except errors.KafkaError as error:
                if time.monotonic() >= give_up_at or not isinstance(error, errors.RetriableError):
                    raise LogUnavailable(f"{self._client.url} cannot be read: {reason(error)}") from error
            self._client.wait_for_any(min(give_up_at, time.monotonic() + _PAUSE_S))
            self._leaders.refresh(give_up_at)

    def workers(self, topic: str, give_up_at: float) -> int:
        """Return how many members of the processors' group hold a partition of the topic.

        Raises: LogUnavailable.
        """
        name = self._leaders.topics[topic].name
        return self._until(
            give_up_at,
            lambda: count_workers(self._client, self._leaders.any_broker(give_up_at), name, give_up_at),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
