"""`roomstate kafka` and the broker behind it: real jars, a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from roomstate.broker.jars import BrokerMissing, fetched_jars, kafka_version, require_java
from roomstate.broker.node import BrokerNode
from roomstate.refusals import CommandRefused
from tests import fixtures_kafka
from tests.fixtures_kafka import start_broker

_READY_S = 60.0


def _topics(node: BrokerNode) -> set[str]:
    admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{node.port}")
    try:
        return {name for name in admin.list_topics() if not name.startswith("__")}
    finally:
        admin.close()


def _make_topic(node: BrokerNode, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{node.port}")
    try:
        admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
    finally:
        admin.close()


def test_a_killed_broker_starts_again_with_what_it_held(own_broker: BrokerNode) -> None:
    _make_topic(own_broker, "kept")
    own_broker.kill()
    assert own_broker.pid == 0
    own_broker.start()
    assert _topics(own_broker) == {"kept"}


def test_the_jars_are_fetched_once(kafka_broker: BrokerNode) -> None:
    jars = fetched_jars()
    assert f"kafka_2.13-{kafka_version()}.jar" in {jar.name for jar in jars.iterdir()}
    made_at = jars.stat().st_mtime_ns
    assert fetched_jars().stat().st_mtime_ns == made_at


def test_a_broker_that_cannot_start_says_why(kafka_broker: BrokerNode, tmp_path: Path) -> None:
    node = BrokerNode(tmp_path, options={"log.retention.ms": "for ever"})
    with pytest.raises(CommandRefused, match=r"log\.retention\.ms"):
        node.start()
    assert node.pid == 0


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerMissing, match=r"needs Java 17 or newer \(Debian: apt-get install default-jre-headless\)"):
        require_java()


def test_without_maven_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(BrokerMissing, match=r"needs Maven \(Debian: apt-get install maven\)"):
        fetched_jars()


def test_tests_that_need_a_broker_fail_where_it_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(fixtures_kafka, "must_be_there", True)
    with pytest.raises(pytest.fail.Exception, match="Java"):
        start_broker(BrokerNode(tmp_path))
    monkeypatch.setattr(fixtures_kafka, "must_be_there", False)
    with pytest.raises(pytest.skip.Exception, match="Java"):
        start_broker(BrokerNode(tmp_path))


def test_the_command_runs_a_broker_until_it_is_told_to_stop(kafka_broker: BrokerNode, tmp_path: Path) -> None:
    arguments = ("kafka", "--data-dir", str(tmp_path), "--port", "0")
    with subprocess.Popen(
        [sys.executable, "-m", "roomstate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        assert said[0] == "Kafka is ready.\n"
        url = said[1].split("ROOMSTATE_LOG_URL=")[1].strip()
        admin = KafkaAdminClient(bootstrap_servers=url.removeprefix("kafka://"))
        admin.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_READY_S) == 0


def test_the_broker_ends_with_the_command_that_is_killed(kafka_broker: BrokerNode, tmp_path: Path) -> None:
    arguments = ("kafka", "--data-dir", str(tmp_path), "--port", "0")
    with subprocess.Popen(
        [sys.executable, "-m", "roomstate", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Kafka is ready.\n"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        process.kill()
        process.wait(_READY_S)
    deadline_s = time.monotonic() + _READY_S
    while _is_alive(int(children[0])):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
