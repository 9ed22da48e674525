"""The Kafka engine keeps the port's promises."""

from collections.abc import Iterator

import pytest

from storage.kafka_log import KafkaLog
from storage.kafka_url import parse_kafka_url
from storage.open_log import open_log
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, EventLogContract, OpenAgain, append, frame, read_all


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


def test_a_call_of_any_size_keeps_the_order_of_each_partition(kafka_url: str) -> None:
    log = KafkaLog(kafka_url, 2)
    frames = [frame(f"{number:03}".encode() * 170_000, number % 2) for number in range(90)]
    assert log.append(frames, TIMEOUT_S) == [number // 2 for number in range(90)]
    for partition in (0, 1):
        found = [int(record.value[:3]) for record in read_all(log, partition)]
        assert found == list(range(partition, 90, 2))
    log.close()


def test_a_url_opens_the_log_that_it_names(kafka_url: str) -> None:
    log = open_log(kafka_url, 2)
    assert isinstance(log, KafkaLog)
    assert log.url == parse_kafka_url(kafka_url)
    assert append(log, "a") == [0]
    log.close()
