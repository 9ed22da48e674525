"""Records that strangers wrote to a Kafka log read as what they are, or are named; none spins, none is skipped."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Bounds, LogUnavailable, LogUnreadable
from storage.kafka_log import KafkaLog
from storage.kafka_log_records import Sequenced, decode_records, encode_batch, lines_of
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, append, frame, poll_until, read_all, values_of
from tests.storage.kafka_operator import Operator

Stranger = Callable[..., KafkaProducer]


@pytest.fixture
def log(kafka_url: str) -> Iterator[KafkaLog]:
    opened = KafkaLog(kafka_url, PARTITIONS)
    yield opened
    opened.close()


@pytest.fixture
def stranger(log: KafkaLog) -> Iterator[Stranger]:
    producers: list[KafkaProducer] = []

    def made(**settings: Any) -> KafkaProducer:
        servers = list(log.url.servers)
        producers.append(KafkaProducer(bootstrap_servers=servers, allow_auto_create_topics=False, **settings))
        return producers[-1]

    yield made
    for producer in producers:
        producer.close()


@pytest.fixture
def topic(log: KafkaLog) -> str:
    return log.url.topic(INPUTS_TOPIC)


def test_values_keys_headers_and_times_of_all_sorts(log: KafkaLog, stranger: Stranger, topic: str) -> None:
    producer = stranger()
    odd_counts = [b"", b"-1", b"4.5", b"x", b"9" * 10, "²".encode(), b"0x1"]
    producer.send(topic, None, key=b"tombstone", partition=0)
    producer.send(topic, b"", partition=0)
    producer.send(topic, b"plain", key=b"key", partition=0, timestamp_ms=1)
    for count in odd_counts:
        producer.send(topic, b"odd", partition=0, headers=[("count", count), ("schema", b"\xff")])
    producer.send(topic, b"twice", partition=0, headers=[("other", b"1"), ("count", b"3"), ("count", b"4")])
    producer.flush(TIMEOUT_S)
    records = read_all(log)
    assert values_of(records) == ["", "", "plain", *["odd"] * len(odd_counts), "twice"]
    assert [record.lines for record in records] == [0] * (3 + len(odd_counts)) + [3]
    assert all(now_ms() - 60_000 < record.appended_at_ms <= now_ms() for record in records)


def test_a_count_without_a_value_says_nothing() -> None:
    assert lines_of([("count", None)]) == 0
    assert lines_of([("count", None), ("count", b"7")]) == 7


def test_markers_of_transactions_read_as_empty_frames(log: KafkaLog, stranger: Stranger, topic: str) -> None:
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    append(log, "before")
    producer = stranger(transactional_id=f"{topic}-{now_ms()}")
    producer.init_transactions()
    for value, end in (("kept", producer.commit_transaction), ("dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(topic, value.encode(), partition=0).get(TIMEOUT_S)
        end()
    give_up_at = time.monotonic() + TIMEOUT_S
    while log.bounds(INPUTS_TOPIC)[0].end < 5:
        assert time.monotonic() < give_up_at, "the broker writes the marker a little later"
    assert append(log, "after") == [5]
    expected = ["before", "kept", "", "dropped", "", "after"]
    assert values_of(read_all(log)) == expected
    assert [record.offset for record in read_all(log)] == list(range(6))
    assert values_of(log.read(INPUTS_TOPIC, 0, 2, 1)) == [""]
    assert values_of(log.read(INPUTS_TOPIC, 0, 4, 1 << 20)) == ["", "after"]
    assert values_of(poll_until(tail, 6)) == expected
    assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 6)
    tail.close()


def test_an_unfinished_transaction_holds_nobody_up(log: KafkaLog, stranger: Stranger, topic: str) -> None:
    producer = stranger(transactional_id=f"{topic}-{now_ms()}")
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topic, b"open", partition=0).get(TIMEOUT_S)
    assert append(log, "after") == [1]
    assert values_of(read_all(log)) == ["open", "after"]
    assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 2)
    producer.abort_transaction()


def test_a_gigantic_record_is_read_whole_whatever_is_asked_for(log: KafkaLog, stranger: Stranger, topic: str) -> None:
    value = b"x" * 4_000_000
    stranger(max_request_size=8_000_000).send(topic, value, partition=0).get(TIMEOUT_S)
    append(log, "after")
    assert [len(record.value) for record in log.read(INPUTS_TOPIC, 0, 0, 1000)] == [len(value)]
    assert values_of(log.read(INPUTS_TOPIC, 0, 1, 1000)) == ["after"]
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    assert [len(record.value) for record in poll_until(tail, 2)] == [len(value), 5]
    tail.close()


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_compressed_batches_are_read(log: KafkaLog, stranger: Stranger, topic: str, codec: str) -> None:
    producer = stranger(compression_type=codec, linger_ms=50)
    for number in range(50):
        producer.send(topic, b"%d " % number * 100, partition=0)
    producer.flush(TIMEOUT_S)
    assert [record.value for record in read_all(log)] == [b"%d " % number * 100 for number in range(50)]
    assert values_of(log.read(INPUTS_TOPIC, 0, 48, 1)) == ["48 " * 100]


def test_an_unknown_codec_stops_its_partition_and_says_where(log: KafkaLog, kafka_url: str) -> None:
    append(log, "before", "before", "before")
    operator = Operator(kafka_url)
    operator.change(INPUTS_TOPIC, compression_type="snappy")
    append(log, "bad " * 50)
    operator.change(INPUTS_TOPIC, compression_type="producer")
    operator.admin.close()
    append(log, "after")
    tail = log.follow(INPUTS_TOPIC, {0: 0, 1: 0})
    where = r"^roomstate\.inputs\.v1, partition 0, offset 3 cannot be read: .*snappy"
    assert values_of(log.read(INPUTS_TOPIC, 0, 0, 1 << 20)) == ["before"] * 3
    with pytest.raises(LogUnreadable, match=where) as unreadable:
        log.read(INPUTS_TOPIC, 0, 3, 1 << 20)
    assert (unreadable.value.partition, unreadable.value.offset) == (0, 3)
    assert values_of(poll_until(tail, 3)) == ["before"] * 3
    raised: list[str] = []
    others: list[str] = []
    give_up_at = time.monotonic() + 1.5
    append(log, "other", partition=1)
    while time.monotonic() < give_up_at:
        try:
            others += values_of(tail.poll(0.1))
        except LogUnavailable as error:
            raised.append(str(error))
    assert others == ["other"]
    assert 1 <= len(raised) <= 3
    assert {"partition 0, offset 3 cannot be read" in said for said in raised} == {True}
    assert log.trim(INPUTS_TOPIC, {0: 4}, now_ms() + 1) == 4
    time.sleep(1.0)
    assert values_of(poll_until(tail, 1)) == ["after"]
    tail.close()


def test_a_batch_whose_checksum_does_not_fit_is_named() -> None:
    good = bytes(encode_batch([frame("a"), frame("b")], Sequenced(-1, -1, -1), 5))
    bad = good[:-1] + bytes([good[-1] ^ 1])
    second = (2).to_bytes(8, "big") + bad[8:]
    records = decode_records(INPUTS_TOPIC, 1, 0, good + second, 1000)
    assert [(record.offset, record.value) for record in records] == [(0, b"a"), (1, b"b")]
    with pytest.raises(LogUnreadable, match=r"partition 1, offset 2 cannot be read: .*checksum"):
        decode_records(INPUTS_TOPIC, 1, 2, good + second, 1000)
    old_format = good[:16] + b"\x01" + good[17:]
    with pytest.raises(LogUnreadable, match=r"offset 0 cannot be read: .*old format 1"):
        decode_records(INPUTS_TOPIC, 1, 0, old_format, 1000)
    assert decode_records(INPUTS_TOPIC, 1, 0, good[:-5], 1000) == []


def test_offsets_that_compaction_took_read_as_empty_frames() -> None:
    later = (7).to_bytes(8, "big") + bytes(encode_batch([frame("a")], Sequenced(-1, -1, -1), 5))[8:]
    records = decode_records(INPUTS_TOPIC, 0, 4, later, 1000)
    assert [(record.offset, record.value, record.lines) for record in records] == [
        *((offset, b"", 0) for offset in (4, 5, 6)),
        (7, b"a", 1),
    ]
