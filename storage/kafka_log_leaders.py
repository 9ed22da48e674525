"""Which broker leads each partition of the log, as a client last heard."""

import random
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from storage.event_log import LogUnavailable
from storage.kafka_log_client import KafkaClient, Node, Topic


class Place(NamedTuple):
    """A partition of one of the log's topics, by the port's name."""

    topic: str
    partition: int


class Leaders:
    """The leaders of the log's partitions; for one thread at a time, like its client."""

    def __init__(self, client: KafkaClient, topics: Mapping[str, Topic]) -> None:
        """Shape: topics by the port's names, as they were when the log was opened."""
        self.topics: Final = topics
        self._client = client
        self._leaders: dict[Place, int] = {}
        self._logical: dict[str | UUID, str] = {}
        for logical, topic in topics.items():
            self._logical[topic.name] = self._logical[topic.id] = logical

    def logical(self, name: str, topic_id: UUID | None = None) -> str:
        """Return the port's name of a topic that a response names in either way."""
        return (self._logical.get(topic_id) if topic_id else None) or self._logical[name]

    def grouped(self, places: Iterable[Place], give_up_at: float) -> dict[Node, list[Place]]:
        """Return the places by leader; those that have none now are left out.

        Raises: LogUnavailable.
        """
        if not self._leaders:
            self.refresh(give_up_at)
        groups: dict[Node, list[Place]] = {}
        for place in places:
            leader = self._leaders.get(place, -1)
            if leader >= 0:
                groups.setdefault(leader, []).append(place)
        return groups

    def refresh(self, give_up_at: float) -> None:
        """Ask the cluster again.

        Raises: LogUnavailable if it does not answer, or if a topic is gone or was made anew.
        """
        names = [topic.name for topic in self.topics.values()]
        cluster = self._client.cluster(names, give_up_at)
        for logical, topic in self.topics.items():
            found = cluster.topics.get(topic.name)
            if found is not None and found.id != topic.id:
                raise LogUnavailable(
                    f"{self._client.url}: topic {topic.name} was deleted and made anew since this process opened it; "
                    "it is another log now: restart"
                )
            for partition, leader in (found.leaders if found else {}).items():
                self._leaders[Place(logical, partition)] = leader

    def forget(self) -> None:
        """Have the next question asked of the cluster again."""
        self._leaders.clear()

    def any_broker(self, give_up_at: float) -> Node:
        """Return a broker that leads something.

        Raises: LogUnavailable.
        """
        if not self._leaders:
            self.refresh(give_up_at)
        leading = [leader for leader in self._leaders.values() if leader >= 0]
        if not leading:
            raise LogUnavailable(f"{self._client.url}: no partition has a leader now")
        return random.choice(leading)
