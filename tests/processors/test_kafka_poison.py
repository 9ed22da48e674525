"""What strangers put into the inputs topic: dead letters where it can be read, a loud standstill where it can't."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from roomstate.gap_accepting import run_accept_gap
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame, LogUnreadable
from storage.frames import FRAME_BYTES_MAX, encode_input
from storage.kafka_url import parse_kafka_url
from storage.settings import load_settings
from tests.processors.builders import status
from tests.processors.pipeline import Pipeline, wait_until
from tests.processors.talk import some_talk
from tests.storage.kafka_operator import Operator

DEAD_LETTERS = "SELECT log_partition, log_offset, log_index, reason FROM dead_letters ORDER BY ALL"


@contextlib.contextmanager
def stranger(pipeline: Pipeline, **settings: Any) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=list(parse_kafka_url(pipeline.log_url).servers), **settings)
    yield producer
    producer.close()


def topic_of(pipeline: Pipeline) -> str:
    return parse_kafka_url(pipeline.log_url).topic(INPUTS_TOPIC)


def wait_until_at(pipeline: Pipeline, partition: int, end: int) -> None:
    wait_until(lambda: pipeline.log.bounds(INPUTS_TOPIC)[partition].end == end, f"the log to reach offset {end}")


def write_what_cant_be_read(pipeline: Pipeline, partition: int) -> int:
    """Have the broker compress three frames in a way that nobody here knows; return the first one's offset."""
    operator = Operator(pipeline.log_url)
    operator.change(INPUTS_TOPIC, compression_type="snappy")
    for _ in range(100):  # the broker takes a moment to do so
        [offset, *_] = pipeline.log.append([Frame(INPUTS_TOPIC, partition, b"unreadable " * 20, 1)] * 3, 10.0)
        try:
            pipeline.log.read(INPUTS_TOPIC, partition, offset, 1)
        except LogUnreadable:
            break
    operator.change(INPUTS_TOPIC, compression_type="producer")
    operator.admin.close()
    return offset


def test_what_strangers_write_becomes_dead_letters_and_stops_nobody(kafka_pipeline: Pipeline) -> None:
    line = encode_input(status("room 1", received_at_ms=now_ms()))
    with stranger(kafka_pipeline, max_request_size=4_000_000) as producer:
        for value, headers in (
            (None, []),
            (b"\x00\xff garbage", []),
            (b"x" * (3 * FRAME_BYTES_MAX), []),
            (line, [("schema", b"2"), ("count", b"1")]),
            (line, [("schema", b"two")]),
            (line, [("schema", b"1"), ("count", b"lots")]),
            (line, []),
        ):
            producer.send(topic_of(kafka_pipeline), value, key=b"key", headers=headers, partition=1).get(10)
    kafka_pipeline.append(some_talk(1, now_ms()))
    worker = kafka_pipeline.start_worker()
    kafka_pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    # room 1 lives in partition 2
    assert kafka_pipeline.query(DEAD_LETTERS) == [
        (1, 0, 0, "not_an_input"),
        (1, 1, 0, "not_an_input"),
        (1, 2, 0, "oversized"),
        (1, 3, 0, "unknown_schema"),
        (1, 4, 0, "unknown_schema"),
        (1, 5, 0, "wrong_partition"),
        (1, 6, 0, "wrong_partition"),
    ]


@pytest.mark.parametrize("is_running", [False, True], ids=["found at takeover", "coming while it runs"])
def test_the_markers_of_a_strangers_transactions_are_counted_too(kafka_pipeline: Pipeline, is_running: bool) -> None:
    kafka_pipeline.append(some_talk(1, now_ms()))
    before = kafka_pipeline.log.bounds(INPUTS_TOPIC)[0].end
    if is_running:
        kafka_pipeline.start_worker()
        kafka_pipeline.wait_until_stored()
    with stranger(kafka_pipeline, transactional_id=topic_of(kafka_pipeline)) as producer:
        producer.init_transactions()
        for end in (producer.commit_transaction, producer.abort_transaction, producer.commit_transaction):
            producer.begin_transaction()
            producer.send(topic_of(kafka_pipeline), b"stranger's", partition=0).get(10)
            end()
    wait_until_at(kafka_pipeline, 0, before + 6)
    if not is_running:
        kafka_pipeline.start_worker()
    kafka_pipeline.wait_until_stored()
    assert len(kafka_pipeline.query(DEAD_LETTERS)) == 6
    kafka_pipeline.append(some_talk(2, now_ms()))
    kafka_pipeline.wait_until_stored()
    (worker,) = kafka_pipeline.workers
    assert "never came" not in worker.printed
    assert worker.stop() == 0, worker.printed
    kafka_pipeline.check()


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_compressed_frames_are_processed_like_others(kafka_pipeline: Pipeline, codec: str) -> None:
    worker = kafka_pipeline.start_worker()
    kafka_pipeline.append(some_talk(1, now_ms()))
    with stranger(kafka_pipeline, compression_type=codec, linger_ms=20) as producer:
        for number in range(200):
            producer.send(topic_of(kafka_pipeline), b"%d" % number * 100, partition=number % 4)
        producer.flush()
    kafka_pipeline.append(some_talk(2, now_ms()))
    kafka_pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    assert len(kafka_pipeline.query(DEAD_LETTERS)) == 200
    kafka_pipeline.check()


def test_a_partition_that_cant_be_read_stops_loudly_and_goes_on_once_the_loss_is_accepted(
    kafka_pipeline: Pipeline,
) -> None:
    kafka_pipeline.append(some_talk(1, now_ms()))
    at = write_what_cant_be_read(kafka_pipeline, 1)
    worker = kafka_pipeline.start_worker()
    kafka_pipeline.append(some_talk(2, now_ms()))
    worker.wait_until_printed("partition 1 stands still")
    assert f"offset {at} cannot be read" in worker.printed
    assert "roomstate accept-gap" in worker.printed
    others = len(kafka_pipeline.places([0, 2, 3]))
    stored = "SELECT countIf(fact_index = 0) FROM room_events WHERE log_partition != 1"
    wait_until(lambda: kafka_pipeline.query(stored) == [(others,)], "the other partitions")
    at_mark = "SELECT max(log_offset) FROM room_events WHERE log_partition = 1"
    wait_until(lambda: kafka_pipeline.query(at_mark) == [(at - 1,)], "everything before")
    settings = load_settings(log_url=kafka_pipeline.log_url, store_url=kafka_pipeline.store_url, partitions=4)
    assert asyncio.run(run_accept_gap(settings, is_confirmed=False)) == 1
    assert asyncio.run(run_accept_gap(settings, is_confirmed=True)) == 0
    last = kafka_pipeline.log.bounds(INPUTS_TOPIC)[1].end - 1
    wait_until(lambda: kafka_pipeline.query(at_mark) == [(last,)], "the rest of the partition")
    assert worker.printed.count("stands still") == 1
    assert worker.stop() == 0, worker.printed
