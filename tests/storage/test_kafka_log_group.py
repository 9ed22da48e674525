"""Processors at work on a Kafka log are the members of their group that hold a partition."""

import time
from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer
from kafka.protocol.consumer import JoinGroupRequest

from storage.event_log import INPUTS_TOPIC
from storage.kafka_log import KafkaLog
from storage.kafka_log_client import KafkaClient
from tests.storage.event_log_contract import TIMEOUT_S
from tests.storage.kafka_operator import Operator


@pytest.fixture
def log(kafka_url: str) -> Iterator[KafkaLog]:
    opened = KafkaLog(kafka_url, 1)
    yield opened
    opened.close()


def test_members_that_stand_by_are_not_at_work(log: KafkaLog, kafka_url: str) -> None:
    operator = Operator(kafka_url)
    members = [
        KafkaConsumer(
            log.url.topic(INPUTS_TOPIC),
            bootstrap_servers=list(log.url.servers),
            group_id=log.url.group,
            session_timeout_ms=2000,
            heartbeat_interval_ms=100,
            allow_auto_create_topics=False,
        )
        for _ in range(2)
    ]
    give_up_at = time.monotonic() + TIMEOUT_S
    while True:
        assert time.monotonic() < give_up_at
        for member in members:
            member.poll(timeout_ms=50)
        group = operator.admin.describe_groups([log.url.group])[log.url.group]
        if group["group_state"] == "Stable" and len(group["members"]) == 2:
            break
    assert log.consumers() == 1
    for member in members:
        member.close()
    assert log.consumers() == 0
    operator.admin.close()


def test_members_count_while_their_group_settles_who_holds_what(log: KafkaLog) -> None:
    give_up_at = time.monotonic() + TIMEOUT_S
    client = KafkaClient(log.url)
    cluster = client.cluster([], give_up_at)
    joining = JoinGroupRequest(
        group_id=log.url.group,
        session_timeout_ms=2000,
        rebalance_timeout_ms=2000,
        member_id="",
        protocol_type="consumer",
        protocols=[JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"")],
        max_version=3,
    )
    assert client.call(cluster.controller, joining, give_up_at).error_code == 0
    assert log.consumers() == 1
    client.close()
