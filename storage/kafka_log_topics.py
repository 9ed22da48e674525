"""The two topics of a Kafka log: made if they are missing, checked if they are there.

Nothing is made before everything that is there has been found right, and the cluster has said that it would make what
is missing. Several processes may do this at once.
"""

import logging
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from kafka import errors
from kafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest

from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, LogMismatch, LogUnavailable
from storage.frames import FRAME_BYTES_MAX
from storage.kafka_log_client import Cluster, KafkaClient, LogRefused, Topic
from storage.kafka_log_reasons import reason
from storage.kafka_url import DAY_MS, KafkaUrl

_LOG = logging.getLogger(__name__)
RECORD_OVERHEAD_BYTES: Final = 1024
"""What a record and its batch may add to a frame."""
MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""`max.message.bytes` of topics made here: how much of a partition is written at once."""
_REPLICATION: Final = 3
_TOPIC_RESOURCE: Final = 2
_READABLE: Final = ("producer", "uncompressed", "gzip")
"""What brokers may do with frames so that every client reads them without further libraries."""
_CHECKED: Final = ("cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes", "compression.type")
_PAUSE_S: Final = 0.05


class LogTopics(NamedTuple):
    """The log as it was found or made."""

    log_id: str
    """Cluster and inputs topic: a topic deleted and made anew is another log."""
    topics: Mapping[str, Topic]
    """By the port's names."""
    batch_bytes_max: int
    """No record batch may be larger."""


def open_topics(client: KafkaClient, partitions: int, give_up_at: float, *, may_make: bool = True) -> LogTopics:
    """Return the log's topics, made if there are none and that is allowed.

    Raises: LogMismatch if what is there does not fit or the cluster would not make them; LogUnavailable.
    """
    url = client.url
    names = {topic: url.topic(topic) for topic in (INPUTS_TOPIC, DECISIONS_TOPIC)}
    try:
        while True:
            try:
                cluster = client.cluster(list(names.values()), give_up_at)
                batch_bytes_max = _check(client, cluster, partitions, give_up_at)
                missing = [name for name in names.values() if name not in cluster.topics]
                if missing and not may_make:
                    raise LogMismatch(f"{url} has no topic {', '.join(missing)}: is the namespace right?")
                if missing:
                    _make(client, cluster, missing, partitions, give_up_at)
                elif all(leader >= 0 for topic in cluster.topics.values() for leader in topic.leaders.values()):
                    break
                trouble = f"{', '.join(missing) or 'a partition'} has no leader yet"
            except errors.KafkaError as error:
                trouble = reason(error)  # the brokers learn of a new topic one after the other
            if time.monotonic() >= give_up_at:
                raise LogUnavailable(f"{url}: the topics cannot be looked at or made: {trouble}")
            client.wait_for_any(time.monotonic() + _PAUSE_S)
    except LogRefused as refused:
        raise LogMismatch(f"{refused}; give the URL a user and password that may") from refused
    topics = {logical: cluster.topics[name] for logical, name in names.items()}
    if not topics[INPUTS_TOPIC].id:
        raise LogMismatch(f"{url}: this Kafka gives topics no ids; use 2.8 or newer")
    return LogTopics(f"{cluster.id}:{topics[INPUTS_TOPIC].id}", topics, batch_bytes_max)


def _check(client: KafkaClient, cluster: Cluster, partitions: int, give_up_at: float) -> int:
    """Refuse topics that do not fit; return the largest record batch that all of them take."""
    for topic in cluster.topics.values():
        if len(topic.leaders) != partitions:
            raise LogMismatch(
                f"{client.url}: topic {topic.name} has {len(topic.leaders)} partitions, but {partitions} are asked "
                f"for; the number is fixed when a log is made: set ROOMSTATE_PARTITIONS={len(topic.leaders)}, or "
                "name another namespace"
            )
        _check_copies(client.url, topic, cluster.brokers)
    batch_bytes_max = MESSAGE_BYTES
    for name, settings in _settings(client, cluster, give_up_at).items():
        if problem := _problem(client.url, settings):
            raise LogMismatch(
                f"{client.url}: topic {name} {problem} with kafka-configs.sh --alter, or name another namespace"
            )
        batch_bytes_max = min(batch_bytes_max, int(settings["max.message.bytes"]))
    return batch_bytes_max


def _check_copies(url: KafkaUrl, topic: Topic, brokers: int) -> None:
    wanted = url.replication or min(_REPLICATION, brokers)
    if topic.copies >= wanted:
        return
    problem = (
        f"{url}: topic {topic.name} has {topic.copies} copies of each partition, but {wanted} are wanted "
        f"(replication): add some with kafka-reassign-partitions.sh, or set replication={topic.copies}"
    )
    if url.replication:
        raise LogMismatch(problem)
    # Made while only some of the brokers were up, perhaps: it works until one of them is lost.
    _LOG.warning(problem)


def _problem(url: KafkaUrl, settings: Mapping[str, str]) -> str:
    if settings["cleanup.policy"] != "delete":
        return f"has cleanup.policy={settings['cleanup.policy']}, which loses frames: set it to delete"
    retention_ms = int(settings["retention.ms"])
    if retention_ms >= 0 and not 0 <= url.retention_ms <= retention_ms:
        wanted = f"{url.retention_days} days are" if url.retention_days else "for ever is"
        return (
            f"keeps frames for {retention_ms / DAY_MS:g} days, but {wanted} asked for (retention_days): set "
            f"retention.ms={url.retention_ms}"
        )
    if int(settings["retention.bytes"]) >= 0:
        return f"forgets by size (retention.bytes={settings['retention.bytes']}), whatever is stored: set it to -1"
    if settings["compression.type"] not in _READABLE:
        return f"has the brokers compress by {settings['compression.type']}: set compression.type to producer"
    needed = FRAME_BYTES_MAX + RECORD_OVERHEAD_BYTES
    if int(settings["max.message.bytes"]) < needed:
        return f"takes only {settings['max.message.bytes']} bytes a record: set max.message.bytes to {needed} or more"
    return ""


def _settings(client: KafkaClient, cluster: Cluster, give_up_at: float) -> dict[str, dict[str, str]]:
    if not cluster.topics:
        return {}
    resource = DescribeConfigsRequest.DescribeConfigsResource
    request = DescribeConfigsRequest(
        resources=[
            resource(resource_type=_TOPIC_RESOURCE, resource_name=name, configuration_keys=list(_CHECKED))
            for name in cluster.topics
        ]
    )
    found = {}
    for result in client.call(cluster.controller, request, give_up_at).results:
        if result.error_code:
            raise _refused(client, result.error_code, f"topic {result.resource_name} cannot be looked at")
        found[result.resource_name] = {setting.name: setting.value for setting in result.configs}
    return found


def _make(client: KafkaClient, cluster: Cluster, names: list[str], partitions: int, give_up_at: float) -> None:
    replication = client.url.replication or min(_REPLICATION, cluster.brokers)
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(client.url.retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime",
        # One copy may be away: more safety than that would stop the log whenever a broker restarts.
        "min.insync.replicas": str(max(1, replication - 1)),
        "unclean.leader.election.enable": "false",
    }
    topic = CreateTopicsRequest.CreatableTopic
    for validate_only in (True, False):
        request = CreateTopicsRequest(
            topics=[
                topic(
                    name=name,
                    num_partitions=partitions,
                    replication_factor=replication,
                    assignments=[],
                    configs=[topic.CreatableTopicConfig(name=key, value=value) for key, value in settings.items()],
                )
                for name in names
            ],
            timeout_ms=max(1, int((give_up_at - time.monotonic()) * 1000)),
            validate_only=validate_only,
        )
        for made in client.call(cluster.controller, request, give_up_at).topics:
            if made.error_code and errors.for_code(made.error_code) is not errors.TopicAlreadyExistsError:
                raise _refused(client, made.error_code, f"topic {made.name} cannot be made", made.error_message)


def _refused(client: KafkaClient, code: int, what: str, said: str | None = None) -> Exception:
    error = errors.for_code(code)
    why = " ".join((said or error.description or error.__name__).split())
    if issubclass(error, errors.RetriableError):
        retriable: Exception = error(f"{what}: {why}")
        return retriable
    return LogMismatch(f"{client.url}: {what}: {why}")
