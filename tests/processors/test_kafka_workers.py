"""Several workers on a real Kafka: each partition has one owner at a time, whoever comes, goes or is away."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from roomstate.broker.node import BrokerNode
from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.processors.pipeline import Pipeline, Worker, wait_until
from tests.processors.talk import some_talk

EVERYTHING = "took over partitions 0, 1, 2, 3"


@contextlib.contextmanager
def load_on(pipeline: Pipeline) -> Iterator[None]:
    """Append inputs all the time, as long as the context lasts."""
    has_ended = threading.Event()

    def append() -> None:
        begin = 1000
        while not has_ended.wait(0.05):
            pipeline.append(some_talk(begin, now_ms(), rooms=6))
            begin += 1

    thread = threading.Thread(target=append)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def test_partitions_move_under_load_without_loss_or_repetition(kafka_pipeline: Pipeline) -> None:
    first = kafka_pipeline.start_worker()
    with load_on(kafka_pipeline):
        first.wait_until_printed(EVERYTHING)
        second = kafka_pipeline.start_worker()
        second.wait_until_printed("took over")
        third = kafka_pipeline.start_worker()
        third.wait_until_printed("took over")
        assert kafka_pipeline.log.consumers() == 3
        assert first.stop() == 0, first.printed
        second.kill()
        third.wait_until_printed(EVERYTHING)
    kafka_pipeline.wait_until_stored()
    assert third.stop() == 0, third.printed
    assert kafka_pipeline.log.consumers() == 0
    kafka_pipeline.check()


def test_a_worker_that_is_told_to_stop_leaves_the_group_at_once(
    tmp_path: Path, store_database: str, kafka_broker: BrokerNode
) -> None:
    pipeline = Pipeline(
        tmp_path, store_database, f"{kafka_broker.url}?namespace={tmp_path.name}&session_timeout_ms=60000"
    )
    with contextlib.closing(pipeline):
        first = pipeline.start_worker()
        first.wait_until_printed(EVERYTHING)
        second = pipeline.start_worker()
        second.wait_until_printed("took over")
        pipeline.append(some_talk(1, now_ms()))
        told_at_s = time.monotonic()
        assert first.stop() == 0, first.printed
        second.wait_until_printed(EVERYTHING)
        assert time.monotonic() - told_at_s < 30
        pipeline.wait_until_stored()
        assert second.stop() == 0, second.printed
        pipeline.check()


def test_a_worker_without_partitions_stands_by(tmp_path: Path, store_database: str, kafka_url: str) -> None:
    pipeline = Pipeline(tmp_path, store_database, kafka_url, partitions=1)
    with contextlib.closing(pipeline):
        workers = [pipeline.start_worker() for _ in range(2)]
        wait_until(lambda: any(_stands_by(worker) for worker in workers), "one to stand by")
        wait_until(lambda: pipeline.log.consumers() == 1, "the other one to be at work")
        pipeline.append(some_talk(1, now_ms()))
        pipeline.wait_until_stored()
        for worker in workers:
            if not _stands_by(worker):
                worker.kill()
        pipeline.append(some_talk(2, now_ms()))
        pipeline.wait_until_stored()
        pipeline.check()


def _stands_by(worker: Worker) -> bool:
    return worker.printed.rfind("no partition is left for this worker") > worker.printed.rfind("took over partitions")


def test_workers_survive_a_store_that_is_away_for_longer_than_their_session(
    kafka_pipeline: Pipeline, embedded_store: EmbeddedStore
) -> None:
    workers = [kafka_pipeline.start_worker() for _ in range(2)]
    for worker in workers:
        worker.wait_until_printed("took over")
    kafka_pipeline.append(some_talk(1, now_ms()))
    kafka_pipeline.wait_until_stored()
    embedded_store.kill()
    try:
        for number in range(2, 6):
            kafka_pipeline.append(some_talk(number, now_ms()))
            time.sleep(1)
        assert kafka_pipeline.log.consumers() == 2, "they are still members"
    finally:
        embedded_store.start()
    kafka_pipeline.wait_until_stored()
    for worker in workers:
        assert worker.stop() == 0, worker.printed
    kafka_pipeline.check()


def test_workers_survive_a_broker_that_is_killed(tmp_path: Path, store_database: str, own_broker: BrokerNode) -> None:
    pipeline = Pipeline(tmp_path, store_database, f"{own_broker.url}?session_timeout_ms=2000")
    with contextlib.closing(pipeline):
        workers = [pipeline.start_worker() for _ in range(2)]
        for worker in workers:
            worker.wait_until_printed("took over")
        pipeline.append(some_talk(1, now_ms()))
        own_broker.kill()
        time.sleep(3)
        own_broker.start()
        pipeline.append(some_talk(2, now_ms()))
        pipeline.wait_until_stored()
        for worker in workers:
            assert worker.stop() == 0, worker.printed
        pipeline.check()
