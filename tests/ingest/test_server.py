"""The process: starting, stopping under load, and being in the wrong place."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ingest.keys import Keys
from ingest.listening import PortInUse, listen
from ingest.server import run_ingest
from ingest.tokens import SessionTokens
from roomstate.ports import free_port
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.frames import split_frame
from storage.sqlite_log import SqliteLog
from tests.ingest.serving import STATUS, basic, settings_for
from tests.ingest.test_group_commit import ROOM, SESSION, announce, wait_until

_INGEST = (
    "from ingest.server import run_ingest; from storage.settings import load_settings; run_ingest(load_settings())"
)


class Process:
    """An ingest process of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ,
            "ROOMSTATE_DATA_DIR": str(folder),
            "ROOMSTATE_PORT": str(self.port),
            "ROOMSTATE_PARTITIONS": "4",
            "ROOMSTATE_STORE_PORT": str(free_port()),
            **{f"ROOMSTATE_{name}": value for name, value in settings.items()},
        }
        with (folder / "ingest.log").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _INGEST], env=environment, stdout=output, stderr=output
            )
        wait_until(self.is_alive)

    def is_alive(self) -> bool:
        """Tell whether it answers."""
        assert self.process.poll() is None, (self.folder / "ingest.log").read_text()
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def token(self) -> str:
        """Return a session token that it accepts."""
        secret = (self.folder / "secret").read_text().strip().encode()
        return SessionTokens(Keys.of(secret)).issue(ROOM, SESSION, now_ms())


@contextmanager
def a_process(folder: Path, **settings: str) -> Iterator[Process]:
    process = Process(folder, settings)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait(20)


def lines_of(path: Path) -> int:
    log = SqliteLog(path, 4)
    count = 0
    for partition, bounds in log.bounds(INPUTS_TOPIC).items():
        offset = bounds.start
        while offset < bounds.end:
            for record in log.read(INPUTS_TOPIC, partition, offset, 1 << 20):
                count += len(split_frame(record.value))
                offset = record.offset + 1
    log.close()
    return count


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_under_load_every_204_is_in_the_log(tmp_path: Path, number: signal.Signals) -> None:
    replies: list[int] = []
    with a_process(tmp_path) as running:
        log = SqliteLog(tmp_path / "log.db", 4)
        announce(log)
        log.close()
        headers = {"Authorization": basic(running.token())}

        def post() -> None:
            with httpx.Client(base_url=running.url, headers=headers, timeout=20) as client:
                while True:
                    try:
                        replies.append(client.post(f"/rooms/{ROOM}", json=STATUS).status_code)
                    except httpx.TransportError:
                        return

        posters = [threading.Thread(target=post) for _ in range(4)]
        for poster in posters:
            poster.start()
        wait_until(lambda: replies.count(204) > 100)
        running.process.send_signal(number)
        code = running.process.wait(20)
        for poster in posters:
            poster.join()
    assert code == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    written = lines_of(tmp_path / "log.db")
    assert replies.count(204) <= written <= replies.count(204) + len(posters)
    printed = (tmp_path / "ingest.log").read_text()
    assert "Traceback" not in printed


def test_it_serves_known_sessions_while_the_store_is_away(tmp_path: Path) -> None:
    with a_process(tmp_path) as running:
        ready = httpx.get(f"{running.url}/readyz")
        assert (ready.status_code, ready.json()["missing"]) == (503, ["store", "processor"])
        unknown = httpx.post(f"{running.url}/rooms/unknownroom", json=STATUS)
        assert (unknown.status_code, unknown.json()["errno"]) == (503, 201)
        assert httpx.get(f"{running.url}/v1/accounting").status_code == 503


def test_a_keep_alive_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with a_process(tmp_path) as running, httpx.Client() as client:
        assert client.get(f"{running.url}/healthz").status_code == 200
        begun_s = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 0
        assert time.monotonic() - begun_s < 10


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"ROOMSTATE_PORT={port}") as caught:
            run_ingest(settings_for(tmp_path, port=port))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
