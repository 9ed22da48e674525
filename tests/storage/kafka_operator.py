"""Somebody who works on the cluster with Kafka's own tools."""

import time
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from storage.kafka_url import parse_kafka_url


class Operator:
    """Makes, describes, changes and deletes the topics of a log's URL."""

    def __init__(self, kafka_url: str) -> None:
        self.url = parse_kafka_url(kafka_url)
        self.admin = KafkaAdminClient(bootstrap_servers=list(self.url.servers))

    def make(self, topic: str, partitions: int, **settings: str) -> None:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        made = {self.url.topic(topic): {"num_partitions": partitions, "replication_factor": 1, "configs": configs}}
        self.admin.create_topics(made, wait_for_metadata=True)

    def settings(self, topic: str) -> dict[str, str]:
        name = self.url.topic(topic)
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        found: dict[str, dict[str, Any]] = self.admin.describe_configs([resource])["topic"][name]
        return {key: setting["value"] for key, setting in found.items()}

    def change(self, topic: str, **settings: str) -> None:
        configs = {name.replace("_", "."): value for name, value in settings.items()}
        self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, self.url.topic(topic), configs)])

    def topics(self) -> set[str]:
        mine = f"{self.url.namespace}."
        return {name.removeprefix(mine) for name in self.admin.list_topics() if name.startswith(mine)}

    def delete(self, topic: str) -> None:
        self.admin.delete_topics([self.url.topic(topic)])
        while topic in self.topics():
            time.sleep(0.02)
