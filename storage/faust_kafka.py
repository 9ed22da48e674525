"""Faust's transport on the Kafka log: agents on the cluster that a `kafka://` URL names (storage/kafka_url.py)."""

from typing import Any, ClassVar

from faust.transport.drivers import aiokafka as driver
from faust.types.transports import ConsumerT
from yarl import URL

from storage.faust_kafka_consumer import KafkaConsumer
from storage.kafka_url import KafkaUrl


class Transport(driver.Transport):
    """Makes the consumer; everything about the cluster is in `log_url`."""

    Consumer: ClassVar[type[ConsumerT]] = KafkaConsumer

    def __init__(self, log_url: KafkaUrl, app: Any) -> None:
        super().__init__([URL(f"kafka://{server}") for server in log_url.servers], app)
        self.log_url = log_url
