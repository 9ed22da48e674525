"""`roomstate up` on a Kafka log, with several processors and ingest processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from storage.kafka_log import KafkaLog
from tests.roomstate.running_up import START_S, RunningUp, until
from tests.roomstate.test_up import is_gone, statuses

PARTITIONS = "4"


@pytest.fixture
def up(tmp_path: Path, kafka_url: str) -> Iterator[RunningUp]:
    """Two of each."""
    running = RunningUp(
        tmp_path,
        log_url=kafka_url,
        partitions=PARTITIONS,
        processors="2",
        processor_port=str(two_free_ports()),
        ingest_processes="2",
    )
    try:
        yield running.wait_until_ready()
    finally:
        running.end(signal.SIGKILL)


def two_free_ports() -> int:
    """Return a port that is free, as the one after it is."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError), socket.socket() as next_one:
            next_one.bind(("127.0.0.1", port + 1))
            return port


def refusal(folder: Path, log_url: str, *options: str) -> tuple[int, str]:
    """Return the exit code and what was said of an `up` that can't start."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ROOMSTATE_")}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "roomstate",
            "up",
            "--port",
            str(free_port()),
            "--store-port",
            str(free_port()),
            *options,
        ],
        cwd=folder,
        env={**bare, "ROOMSTATE_LOG_URL": log_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.returncode, ended.stderr


@pytest.mark.timeout(240)
def test_two_of_each_store_everything_whichever_is_killed_and_stop_in_order(up: RunningUp) -> None:
    assert up.log.index("works on") < up.log.index("Roomstate is ready")
    assert Counter(command for _, command in up.commands()) == {"store": 1, "processor": 2, "ingest": 1}
    assert "2 processes serve" in up.log
    assert up.log.count("works on") == 2
    ready = httpx.get(f"{up.url}/readyz", timeout=20.0).json()
    assert (ready["ready"], ready["lag"]["frames"]) == (True, 0)
    first = int(up.environment["ROOMSTATE_PROCESSOR_PORT"])
    assert [httpx.get(f"http://127.0.0.1:{port}/healthz").status_code for port in (first, first + 1)] == [200, 200]
    arguments = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert up.environment["ROOMSTATE_LOG_URL"] not in arguments  # it may hold a password
    posted = 0
    for number in range(3):
        for room in range(8):
            assert up.post(statuses(f"room-{number}-{room}", 20)).json() == {"accepted": 20, "refused": []}
            posted += 20
        if number == 1:
            os.kill(up.parts()["processor"], signal.SIGKILL)
            until(lambda: "starting it again" in up.log, START_S, lambda: up.log)
    account = up.account()
    assert (account["balanced"], account["accepted"]) == (True, posted)
    verified = up.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    pids = [pid for pid, _ in up.commands()]
    assert up.end() == 0, up.log
    assert all(is_gone(pid) for pid in pids)
    assert "Traceback" not in up.log


def test_a_broker_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        code, line = refusal(tmp_path, f"kafka://ada:hush-hush@127.0.0.1:{nobody.getsockname()[1]}")
    assert code == 1
    assert "cannot be reached" in line
    assert "hush" not in line


def test_a_log_with_other_partitions_is_one_line(tmp_path: Path, kafka_url: str) -> None:
    KafkaLog(kafka_url, 3).close()
    code, line = refusal(tmp_path, kafka_url, "--partitions", "5")
    assert code == 1
    assert "ROOMSTATE_PARTITIONS=3" in line


def test_a_user_that_the_broker_does_not_know_is_one_line(tmp_path: Path, kafka_broker: BrokerNode) -> None:
    code, line = refusal(tmp_path, kafka_broker.url.replace("kafka://", "kafka://ada:hush-hush@"))
    assert code == 1
    assert "hush" not in line
