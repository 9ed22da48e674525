"""The Kafka engine keeps the port's promises."""

from collections.abc import Iterator

import pytest

from storage.kafka_log import KafkaLog
from tests.storage.event_log_contract import PARTITIONS, EventLogContract, OpenAgain


class TestKafkaLog(EventLogContract):
    @pytest.fixture
    def open_again(self, kafka_url: str) -> Iterator[OpenAgain]:
        opened: list[KafkaLog] = []

        def open_one(partitions: int = PARTITIONS) -> KafkaLog:
            opened.append(KafkaLog(kafka_url, partitions))
            return opened[-1]

        yield open_one
        for log in opened:
            log.close()
