"""Starts of a processor on Kafka: with users and TLS, and those that can't be, each told in one line."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from roomstate.ports import free_port
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.store import Store
from tests.fixtures_secured_kafka import SecuredBroker
from tests.processors.pipeline import Pipeline, run_apart, wait_until
from tests.processors.talk import some_talk


def refusal(pipeline: Pipeline, log_url: str, partitions: int = 4) -> str:
    """Start `roomstate processor`, which must end by itself, and return the one line that it prints."""
    environment = {
        **os.environ,
        "ROOMSTATE_DATA_DIR": str(pipeline.folder),
        "ROOMSTATE_LOG_URL": log_url,
        "ROOMSTATE_STORE_URL": pipeline.store_url,
        "ROOMSTATE_PARTITIONS": str(partitions),
    }
    command = [sys.executable, "-m", "roomstate", "processor"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    return line


def test_another_number_of_partitions(kafka_pipeline: Pipeline) -> None:
    line = refusal(kafka_pipeline, kafka_pipeline.log_url, partitions=5)
    assert "has 4 partitions, but 5 are asked for" in line


def test_a_store_of_another_log(kafka_pipeline: Pipeline) -> None:
    claimed = "INSERT INTO owners SELECT 0, 1, 'test', 'another log', now64(3), -1, 0, 0, 0"
    run_apart(run_command(kafka_pipeline.store_url, claimed))
    line = refusal(kafka_pipeline, kafka_pipeline.log_url)
    assert "the store holds facts of log another log" in line


def test_nobody_at_the_brokers_address(kafka_pipeline: Pipeline) -> None:
    line = refusal(kafka_pipeline, f"kafka://127.0.0.1:{free_port()}")
    assert "cannot be reached: Connection refused" in line


def test_a_session_timeout_that_the_brokers_do_not_allow(kafka_pipeline: Pipeline) -> None:
    line = refusal(kafka_pipeline, kafka_pipeline.log_url.replace("=2000", "=150"))
    assert "the brokers do not allow session_timeout_ms=150" in line


def test_a_user_who_is_refused(kafka_pipeline: Pipeline, secured: SecuredBroker) -> None:
    line = refusal(kafka_pipeline, secured.sasl("good:wrong"))
    assert "wrong" not in line
    assert "good@127.0.0.1" in line


@pytest.mark.parametrize("door", ["user and password", "TLS"])
def test_a_secured_log_is_processed(tmp_path: Path, store_database: str, secured: SecuredBroker, door: str) -> None:
    url = secured.sasl("good:right") if door != "TLS" else secured.tls(f"ssl_cafile={secured.certificate}")
    pipeline = Pipeline(tmp_path, store_database, url)
    with contextlib.closing(pipeline):
        pipeline.append(some_talk(1, now_ms()))
        worker = pipeline.start_worker()
        pipeline.wait_until_stored()
        assert worker.stop() == 0, worker.printed
        assert "right" not in worker.printed
        pipeline.check()


def test_partitions_that_lost_their_beginning_or_their_end_stand_still(kafka_pipeline: Pipeline) -> None:
    kafka_pipeline.append(some_talk(1, now_ms()))
    kafka_pipeline.append(some_talk(2, now_ms()))
    assert kafka_pipeline.log.trim(INPUTS_TOPIC, {1: 1}, now_ms() + 60_000) == 1
    mark = f"INSERT INTO owners SELECT 2, 1, 'test', '{kafka_pipeline.log.log_id}', now64(3), 1000, 0, 0, 0"
    run_apart(run_command(kafka_pipeline.store_url, mark))
    worker = kafka_pipeline.start_worker()
    worker.wait_until_printed("took over partitions 0, 3")
    others = len(kafka_pipeline.places([0, 3]))
    wait_until(lambda: kafka_pipeline.stored_inputs() == others, "the other partitions")
    assert worker.stop() == 0, worker.printed
    assert worker.printed.count("stands still") == 2
    assert "partition 1: offsets 0 to 0 are neither in the store" in worker.printed
    assert "the store holds it up to offset 1000" in worker.printed


async def run_command(store_url: str, sql: str) -> None:
    async with await Store.connect(store_url) as store:
        await store.command(sql)
