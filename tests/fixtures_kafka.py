"""A real Apache Kafka broker, started once for the whole test run, and fresh topics on it."""

import os
import uuid
from collections.abc import Iterator

import pytest

from roomstate.broker.jars import BrokerMissing, fetched_jars, require_java
from roomstate.broker.node import BrokerNode

must_be_there = os.environ.get("ROOMSTATE_TESTS_NEED_KAFKA") == "1"
"""Whether a test that would be skipped for want of Java or Maven fails instead; read before tests clear settings."""


def start_broker(node: BrokerNode) -> BrokerNode:
    """Start the broker, or skip the test if this machine has no Java or Maven."""
    require_kafka()
    node.start()
    return node


def require_kafka() -> None:
    """Return if a broker can be started here; else skip the test, or fail it where it must be there."""
    try:
        require_java()
        fetched_jars()
    except BrokerMissing as error:
        if must_be_there:
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerNode]:
    """The broker that all tests of a run share; a test that harms it takes `own_broker` instead."""
    node = BrokerNode(tmp_path_factory.mktemp("kafka"))
    yield start_broker(node)
    node.stop()


@pytest.fixture
def kafka_url(kafka_broker: BrokerNode) -> str:
    """A log's URL on the shared broker, with topics and a group of its own and a short session timeout."""
    return f"{kafka_broker.url}?namespace=test-{uuid.uuid4().hex[:12]}&session_timeout_ms=2000"


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerNode]:
    """A broker of the test's own, to be killed, frozen and started again."""
    node = BrokerNode(tmp_path_factory.mktemp("kafka"))
    yield start_broker(node)
    node.kill()
