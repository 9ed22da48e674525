"""A Kafka log's topics are made right, whoever makes them; what does not fit is refused in one line, and left alone."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from storage import kafka_log
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, LogMismatch, LogUnavailable
from storage.kafka_log import KafkaLog
from storage.kafka_url import DAY_MS
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, append, frame
from tests.storage.kafka_operator import Operator

WEEK_MS = 7 * DAY_MS


@pytest.fixture
def operator(kafka_url: str) -> Iterator[Operator]:
    someone = Operator(kafka_url)
    yield someone
    someone.admin.close()


def test_who_only_looks_makes_no_topics(kafka_url: str, operator: Operator) -> None:
    with pytest.raises(LogMismatch, match=r"has no topic .*: is the namespace right"):
        KafkaLog(kafka_url, PARTITIONS, may_make=False)
    assert operator.topics() == set()
    KafkaLog(kafka_url, PARTITIONS).close()
    KafkaLog(kafka_url, PARTITIONS, may_make=False).close()


def test_topics_are_made_to_keep_everything_for_a_week_under_the_brokers_clock(
    kafka_url: str, operator: Operator
) -> None:
    KafkaLog(kafka_url, PARTITIONS).close()
    assert operator.topics() == {INPUTS_TOPIC, DECISIONS_TOPIC}
    for topic in (INPUTS_TOPIC, DECISIONS_TOPIC):
        assert operator.settings(topic) == {
            "cleanup.policy": "delete",
            "retention.ms": str(WEEK_MS),
            "retention.bytes": "-1",
            "max.message.bytes": str(4 * 1024 * 1024),
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": "1",
            "unclean.leader.election.enable": "false",
        }


def test_retention_is_as_the_url_says_and_longer_is_fine(kafka_url: str, operator: Operator) -> None:
    KafkaLog(f"{kafka_url}&retention_days=0", PARTITIONS).close()
    assert operator.settings(INPUTS_TOPIC)["retention.ms"] == "-1"
    KafkaLog(f"{kafka_url}&retention_days=30", PARTITIONS).close()
    KafkaLog(kafka_url, PARTITIONS).close()


def test_processes_that_make_the_topics_at_once_agree_on_them(kafka_url: str) -> None:
    code = "import sys; from storage.kafka_log import KafkaLog; print(KafkaLog(sys.argv[1], 4).log_id)"
    makers = [
        subprocess.Popen([sys.executable, "-c", code, kafka_url], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = {maker.communicate(timeout=60)[0] for maker in makers}
    log = KafkaLog(kafka_url, 4)
    assert said == {log.log_id + "\n"}
    log.close()


@pytest.mark.parametrize(
    ("partitions", "settings", "why"),
    [
        (3, {}, r"has 3 partitions, but 4 are asked for; .* ROOMSTATE_PARTITIONS=3, or name another namespace"),
        (4, {"retention_ms": str(DAY_MS)}, r"frames for 1 days, but 7 days are asked .* retention\.ms=604800000 with"),
        (4, {"retention_bytes": "1000000"}, r"forgets by size .*: set it to -1 with kafka-configs"),
        (4, {"cleanup_policy": "compact"}, r"cleanup\.policy=compact, which loses frames: set it to delete"),
        (4, {"cleanup_policy": "compact,delete"}, r"which loses frames"),
        (4, {"compression_type": "snappy"}, r"compress by snappy: set compression\.type to producer"),
        (4, {"max_message_bytes": "100000"}, r"takes only 100000 bytes a record: set max\.message\.bytes to 525312"),
    ],
)
def test_a_topic_that_does_not_fit_is_refused_and_the_other_one_is_not_made(
    kafka_url: str, operator: Operator, partitions: int, settings: dict[str, str], why: str
) -> None:
    operator.make(DECISIONS_TOPIC, partitions, **settings)
    with pytest.raises(LogMismatch, match=why) as refused:
        KafkaLog(kafka_url, PARTITIONS)
    assert f"topic {operator.url.topic(DECISIONS_TOPIC)} " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert operator.topics() == {DECISIONS_TOPIC}


def test_more_copies_than_brokers_are_refused_and_nothing_is_made(kafka_url: str, operator: Operator) -> None:
    with pytest.raises(LogMismatch, match=r"inputs\.v1 cannot be made: .*replication factor of 3.*only 1 broker"):
        KafkaLog(f"{kafka_url}&replication=3", PARTITIONS)
    assert operator.topics() == set()


def test_fewer_copies_than_the_url_asks_for_are_refused(kafka_url: str) -> None:
    KafkaLog(kafka_url, PARTITIONS).close()
    with pytest.raises(LogMismatch, match=r"has 1 copies of each partition, but 2 are wanted .* set replication=1"):
        KafkaLog(f"{kafka_url}&replication=2", PARTITIONS)


def test_topics_made_by_others_with_smaller_records_are_written_in_smaller_batches(
    kafka_url: str, operator: Operator
) -> None:
    for topic in (INPUTS_TOPIC, DECISIONS_TOPIC):
        operator.make(topic, PARTITIONS, max_message_bytes="600000")
    log = KafkaLog(kafka_url, PARTITIONS)
    assert log.append([frame(b"x" * 512 * 1024) for _ in range(5)], TIMEOUT_S) == [0, 1, 2, 3, 4]
    log.close()


def test_a_topic_that_was_made_anew_is_another_log_and_an_open_one_says_so(kafka_url: str, operator: Operator) -> None:
    log = KafkaLog(kafka_url, PARTITIONS)
    tail = log.follow(INPUTS_TOPIC, {})
    append(log, "a")
    operator.delete(INPUTS_TOPIC)
    again = KafkaLog(kafka_url, PARTITIONS)
    assert again.log_id != log.log_id
    assert again.log_id.split(":")[0] == log.log_id.split(":")[0]
    for use in (
        lambda: append(log, "b"),
        lambda: log.read(INPUTS_TOPIC, 0, 0, 1000),
        lambda: [tail.poll(1.0) for _ in range(5)],
    ):
        with pytest.raises(LogUnavailable, match="made anew since this process opened it"):
            use()
    assert again.read(INPUTS_TOPIC, 0, 0, 1000) == []
    again.close()
    log.close()


def test_a_topic_that_was_deleted_refuses_in_time(
    kafka_url: str, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "_READ_S", 0.5)
    log = KafkaLog(kafka_url, PARTITIONS)
    operator.delete(INPUTS_TOPIC)
    for _ in range(2):
        with pytest.raises(LogUnavailable, match=r"topic"):
            log.append([frame()], 0.5)
    with pytest.raises(LogUnavailable):
        log.bounds(INPUTS_TOPIC)
    log.close()


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["silent", "web", "closing"])
def test_a_server_that_is_no_broker_is_given_up_in_time(answer: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "_OPEN_S", 0.5)
    clients: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            if answer is not None:
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        started = time.monotonic()
        with pytest.raises(LogUnavailable, match="cannot be reached"):
            KafkaLog(f"kafka://127.0.0.1:{listener.getsockname()[1]}", PARTITIONS)
        assert time.monotonic() - started < 3
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for client in clients:
        client.close()


def test_nobody_there_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_log, "_OPEN_S", 0.3)
    with pytest.raises(LogUnavailable, match=r"^kafka://me@127\.0\.0\.1:1 cannot be reached: Connection refused$"):
        KafkaLog("kafka://me:secret@127.0.0.1:1", PARTITIONS)
    with pytest.raises(LogUnavailable, match=r"cannot be reached: .*"):
        KafkaLog("kafka://nowhere.invalid:9092", PARTITIONS)
