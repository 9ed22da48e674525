"""Several workers on a real Kafka: each partition has one owner at a time, whoever comes or goes."""

from storage.clock import now_ms
from tests.processors.pipeline import Pipeline
from tests.processors.talk import some_talk


def test_two_workers_share_the_partitions(kafka_pipeline: Pipeline) -> None:
    first = kafka_pipeline.start_worker()
    first.wait_until_printed("took over partitions 0, 1, 2, 3")
    kafka_pipeline.append(some_talk(1, now_ms()))
    second = kafka_pipeline.start_worker()
    second.wait_until_printed("took over")
    kafka_pipeline.append(some_talk(2, now_ms()))
    kafka_pipeline.wait_until_stored()
    assert first.stop() == 0, first.printed
    second.wait_until_printed("took over partitions 0, 1, 2, 3")
    kafka_pipeline.append(some_talk(3, now_ms()))
    kafka_pipeline.wait_until_stored()
    assert second.stop() == 0, second.printed
    kafka_pipeline.check()
