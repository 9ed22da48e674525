"""A throw-away embedded pipeline for benchmarks: log, store process and processor process on a temporary folder."""

import contextlib
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

from state_machine.inputs import Input
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame
from storage.frames import encode_input, pack_frames, partition_of
from storage.migrate import migrate
from storage.settings import Settings
from storage.sqlite_log import SqliteLog

PARTITIONS = 8
_START_S = 60.0
_CALL = (
    ("Session.connectionCreated", "waiting", 1, 0, 0),
    ("Session.connectionCreated", "starting", 2, 0, 0),
    ("Publisher.streamCreated", "sending", 2, 1, 0),
    ("Session.streamCreated", "sendrecv", 2, 1, 1),
    ("Session.streamDestroyed", "sending", 2, 1, 0),
    ("Session.connectionDestroyed", "waiting", 1, 0, 0),
)
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:45.0) Gecko/20100101 Firefox/45.0"
_PROCESSOR = "from processors.worker import run_processor; from storage.settings import load_settings; "
_PROCESSOR += "run_processor(load_settings())"


class Traffic:
    """Statuses of calls of two, session after session, as a busy evening has them."""

    def __init__(self, rooms: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._rooms = [f"room-{number:06d}" for number in range(rooms)]
        self._steps: dict[tuple[str, int], int] = {}

    def next_status(self, received_at_ms: int) -> Input:
        """Return the next status of some participant."""
        room = self._random.choice(self._rooms)
        side = self._random.randrange(2)
        step = self._steps.get((room, side), 0)
        self._steps[room, side] = (step + 1) % len(_CALL)
        event, state, connections, send_streams, recv_streams = _CALL[step]
        return Input(
            received_at_ms=received_at_ms,
            room=room,
            session=f"{room}-{side}",
            user=f"user-{side}",
            event=event,
            state=state,
            connections=connections,
            send_streams=send_streams,
            recv_streams=recv_streams,
            client_ip=f"192.0.2.{side}",
            user_agent=_USER_AGENT,
        )


class EmbeddedPipeline:
    """The three parts, and what a benchmark asks of them."""

    def __init__(self, folder: Path) -> None:
        port = _free_port()
        self.settings = Settings(
            data_dir=folder, store_port=port, log_url=f"sqlite://{folder / 'log.db'}", partitions=PARTITIONS
        )
        self.log = SqliteLog(folder / "log.db", PARTITIONS)
        self._port = port
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start_store(self) -> None:
        """Start the store and wait until its schema is there."""
        command = [sys.executable, "-m", "storage.embedded", "--data-dir", str(self.settings.data_dir)]
        self._start([*command, "--port", str(self._port)])
        deadline = time.monotonic() + _START_S
        while not self._store_answers():
            if time.monotonic() > deadline:
                raise TimeoutError("the store did not start")
            time.sleep(0.05)
        await migrate(self.settings.store_engine_url())

    def start_processor(self) -> int:
        """Start the processor and return its process id."""
        return self._start([sys.executable, "-c", _PROCESSOR])

    def append(self, items: Sequence[Input]) -> None:
        """Append the inputs in one transaction, as one group commit of ingest does."""
        by_partition: dict[int, list[bytes]] = {}
        for item in items:
            number = partition_of(item.room_kind, item.room, PARTITIONS)
            by_partition.setdefault(number, []).append(encode_input(item))
        frames = [
            Frame(INPUTS_TOPIC, number, value, count)
            for number, lines in by_partition.items()
            for value, count in pack_frames(lines)
        ]
        self.log.append(frames, 30.0)

    def stop(self) -> None:
        """End every process that is left, the processor first."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(timeout=60)
        self.log.close()

    def _start(self, command: list[str]) -> int:
        settings = self.settings
        environment = {
            **os.environ,
            "ROOMSTATE_DATA_DIR": str(settings.data_dir),
            "ROOMSTATE_LOG_URL": settings.log_engine_url,
            "ROOMSTATE_STORE_PORT": str(self._port),
            "ROOMSTATE_PARTITIONS": str(PARTITIONS),
        }
        process = subprocess.Popen(command, env=environment)
        self._processes.append(process)
        return process.pid

    def _store_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def embedded_pipeline() -> Iterator[EmbeddedPipeline]:
    """Lend a pipeline on a temporary folder, and take everything away afterwards."""
    with TemporaryDirectory(prefix="roomstate-benchmark-") as folder:
        pipeline = EmbeddedPipeline(Path(folder))
        try:
            yield pipeline
        finally:
            pipeline.stop()


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process has used, all threads, user and system."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def received_now() -> int:
    """Return the time to receive an input at.

    Units: epoch milliseconds, UTC.
    """
    return now_ms()


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
