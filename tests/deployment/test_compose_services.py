"""Our services as the compose file starts them, run without Docker: against a real broker and the embedded store.

Names of hosts become loopback, ports become free ones; commands, environment and health checks are the file's own. The
embedded engine is out of reach of these processes, as it is in the image.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from tests.deployment.compose_file import ROOT, required_variables, services
from tests.fixtures_store import EmbeddedStore

SECRETS = {name: f"{name.lower()}0123456789" for name in required_variables()}
HEALTHY_S = 60.0


class Service:
    """One container's process."""

    def __init__(self, described: dict[str, Any], folder: Path, hosts: dict[str, str]) -> None:
        self._described = described
        self._hosts = hosts
        self.port = free_port()
        folder.mkdir()
        (folder / "chdb.py").write_text("raise ImportError('the image has no embedded engine')\n")
        environment = {**image_environment(folder), **described["environment"], "ROOMSTATE_PORT": self.port}
        if "ROOMSTATE_PROCESSOR_PORT" in environment:
            environment["ROOMSTATE_PROCESSOR_PORT"] = self.port
        self._log_path = folder / "printed.log"
        with self._log_path.open("wb") as log:
            self._process = self._started(described["command"], folder, environment, log)

    def _started(
        self, command: list[str], folder: Path, environment: dict[str, Any], log: IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "roomstate", *command],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(folder),
                **{name: self._here(str(value)) for name, value in environment.items()},
            },
            stdout=log,
            stderr=log,
        )

    @property
    def printed(self) -> str:
        return self._log_path.read_text()

    def wait_until_healthy(self) -> None:
        """Ask as Docker would."""
        kind, program, *arguments = self._described["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        command = [sys.executable, *(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{self.port}", a) for a in arguments)]
        deadline_s = time.monotonic() + HEALTHY_S
        while subprocess.run(command, capture_output=True, check=False).returncode:
            assert self._process.poll() is None, self.printed
            assert time.monotonic() < deadline_s, self.printed
            time.sleep(0.2)

    def ended(self) -> int:
        """Wait until it ends by itself."""
        return self._process.wait(HEALTHY_S)

    def stop(self) -> int:
        """End it as `docker stop` would."""
        self._process.terminate()
        return self._process.wait(HEALTHY_S)

    def _here(self, value: str) -> str:
        for host, address in self._hosts.items():
            value = value.replace(host, address)
        return value


def image_environment(folder: Path) -> dict[str, str]:
    found = re.search(r"^ENV (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found is not None
    variables = dict(word.split("=", 1) for word in found[1].split())
    variables.pop("PATH")
    return {**variables, "ROOMSTATE_DATA_DIR": variables["ROOMSTATE_DATA_DIR"].replace("/data", str(folder))}


@pytest.fixture
def hosts(kafka_broker: BrokerNode, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the names of the other services stand for here."""
    store = EmbeddedStore(tmp_path / "store", free_port())
    store.data_dir.mkdir()
    (store.data_dir / "store.password").write_text(SECRETS["ROOMSTATE_STORE_PASSWORD"])
    store.start()
    broker = f"127.0.0.1:{kafka_broker.port}?namespace=compose-{tmp_path.name}&"
    yield {"kafka:9092?": broker, "clickhouse:8123": f"127.0.0.1:{store.port}"}
    store.stop()


def test_every_service_of_ours_becomes_healthy_and_what_one_takes_all_have(
    hosts: dict[str, str], tmp_path: Path
) -> None:
    described = services(SECRETS)
    migrate = Service(described["migrate"], tmp_path / "migrate", hosts)
    assert migrate.ended() == 0, migrate.printed
    with ExitStack() as stack:
        running = {
            f"{name}-{number}": Service(described[name], tmp_path / f"{name}-{number}", hosts)
            for name in ("processor", "ingest")
            for number in range(described[name]["deploy"]["replicas"])
        }
        for service in running.values():
            stack.callback(service.stop)
        for service in running.values():
            service.wait_until_healthy()
        wait_until_shared(running["processor-0"].port, running["processor-1"].port)
        check_that_they_are_one(running["ingest-0"].port, running["ingest-1"].port)
        for service in running.values():
            assert service.stop() == 0, service.printed


def check_that_they_are_one(port: int, other_port: int) -> None:
    headers = {"Authorization": f"Bearer {SECRETS['ROOMSTATE_API_TOKEN']}"}
    inputs = [
        {"room": f"room {n}", "session": "s", "event": "Session.connectionCreated", "state": "waiting"}
        for n in range(40)
    ]
    with httpx.Client(headers=headers, timeout=30) as client:
        taken = client.post(f"http://127.0.0.1:{port}/v1/inputs", json=inputs, params={"wait": "decision"})
        assert taken.status_code == 200, taken.text
        assert taken.json()["accepted"] == 40
        assert client.get(f"http://127.0.0.1:{other_port}/v1/rooms/room 7").json()["sessions"]
        account = client.get(f"http://127.0.0.1:{other_port}/v1/accounting").json()
        assert account["balanced"]
        assert account["accepted"] == account["stored"] == 40
        assert len(account["partitions"]) == 32
        assert client.get(f"http://127.0.0.1:{port}/v1/accounting", headers={"Authorization": ""}).status_code == 401


def wait_until_shared(*ports: int) -> None:
    """Wait until each processor has its half of the partitions: the second one to come moves the first one's."""
    deadline_s = time.monotonic() + HEALTHY_S
    while (held := [partitions_held(port) for port in ports]) != [16, 16]:
        assert time.monotonic() < deadline_s, held
        time.sleep(0.2)


def partitions_held(port: int) -> int:
    page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    found = re.search(r"^roomstate_processor_partitions (\S+)$", page, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


def test_the_brokers_environment_starts_a_broker(tmp_path: Path, kafka_broker: BrokerNode) -> None:
    environment = services(SECRETS)["kafka"]["environment"]
    options = {name.removeprefix("KAFKA_").lower().replace("_", "."): str(value) for name, value in environment.items()}
    port, controller_port = free_port(), free_port()
    for name in ("listeners", "advertised.listeners", "controller.quorum.voters"):
        value = options[name].replace("9092", str(port)).replace("9093", str(controller_port))
        options[name] = value.replace("kafka:", "127.0.0.1:").replace("//:", "//127.0.0.1:")
    options["log.dirs"] = str(tmp_path / "log")
    node = BrokerNode(tmp_path, port, options)
    try:
        node.start()
    finally:
        node.kill()
