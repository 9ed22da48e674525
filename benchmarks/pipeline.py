"""A throw-away pipeline for benchmarks: log, embedded store and processors, each a process, on a temporary folder."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from roomstate.running.parent_death import end_with_starter
from state_machine.inputs import Input
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame
from storage.frames import encode_input, pack_frames, partition_of
from storage.migrate import migrate
from storage.open_log import open_log
from storage.settings import Settings
from storage.store import Store

PARTITIONS = 8
_START_S = 60.0
_STORED_S = 900.0
_END_S = 60.0
_APPEND_S = 30.0
CALL = (
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
        self._steps[room, side] = (step + 1) % len(CALL)
        event, state, connections, send_streams, recv_streams = CALL[step]
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


class Pipeline:
    """The parts on a folder of their own, and what a benchmark asks of them."""

    def __init__(self, folder: Path, broker: BrokerNode | None, store_port: int | None = None) -> None:
        """Shape: the log is on the broker, or a SQLite file in the folder; the store is on that port, or a free one."""
        self._store_port = store_port or free_port()
        self.broker = broker
        log_url = f"sqlite://{folder / 'log.db'}" if broker is None else f"{broker.url}?session_timeout_ms=6000"
        self.settings = Settings(
            data_dir=folder, store_port=self._store_port, log_url=SecretStr(log_url), partitions=PARTITIONS
        )
        self.log = open_log(log_url, PARTITIONS)
        self.store_pid = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start_store(self) -> int:
        """Start the store, wait until its schema is there, and return its process id."""
        command = [sys.executable, "-m", "storage.embedded", "--data-dir", str(self.settings.data_dir)]
        process = self._start([*command, "--port", str(self._store_port)])
        deadline = time.monotonic() + _START_S
        while not self._store_answers():
            if time.monotonic() > deadline:
                raise TimeoutError("the store did not start")
            time.sleep(0.05)
        await migrate(self.settings.store_engine_url())
        self.store_pid = process.pid
        return process.pid

    def start_processor(self, port: int | None = None, **variables: str) -> subprocess.Popen[bytes]:
        """Start a processor, which tells its metrics on the port, with further variables of the environment."""
        told = {} if port is None else {"ROOMSTATE_PROCESSOR_PORT": str(port)}
        return self._start([sys.executable, "-c", _PROCESSOR], **told, **variables)

    def start_ingest(self, port: int, **variables: str) -> subprocess.Popen[bytes]:
        """Start an HTTP edge on the port, with further variables of the environment."""
        return self._start([sys.executable, "-m", "roomstate", "ingest"], ROOMSTATE_PORT=str(port), **variables)

    async def wait_for_processors(self, count: int) -> None:
        """Wait until so many processors are at work."""
        deadline = time.monotonic() + _START_S
        while await asyncio.to_thread(self.log.consumers) < count:
            if time.monotonic() > deadline:
                raise TimeoutError("the processors did not start")
            await asyncio.sleep(0.05)

    def frames_of(self, items: Sequence[Input]) -> list[Frame]:
        """Return the inputs as ingest frames them in one group commit."""
        by_partition: dict[int, list[bytes]] = {}
        for item in items:
            number = partition_of(item.room_kind, item.room, PARTITIONS)
            by_partition.setdefault(number, []).append(encode_input(item))
        return [
            Frame(INPUTS_TOPIC, number, value, count)
            for number, lines in by_partition.items()
            for value, count in pack_frames(lines)
        ]

    def append(self, items: Sequence[Input]) -> None:
        """Append the inputs as one group commit of ingest does."""
        self.log.append(self.frames_of(items), _APPEND_S)

    def stop(self) -> None:
        """End every process that is left, the processors first."""
        try:
            for process in reversed(self._processes):
                process.terminate()
                process.wait(timeout=_END_S)
        finally:
            for process in self._processes:
                process.kill()
                process.wait()
            self.log.close()

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End one of the processes as an operator would."""
        process.terminate()
        process.wait(timeout=_END_S)
        self._processes.remove(process)

    def _start(self, command: list[str], **variables: str) -> subprocess.Popen[bytes]:
        settings = self.settings
        environment = {
            **os.environ,
            "ROOMSTATE_DATA_DIR": str(settings.data_dir),
            "ROOMSTATE_LOG_URL": settings.log_engine_url,
            "ROOMSTATE_STORE_URL": settings.store_engine_url(),
            "ROOMSTATE_PARTITIONS": str(PARTITIONS),
            "ROOMSTATE_SECRET": "benchmark",
            "ROOMSTATE_API_TOKEN": "benchmark",
            **variables,
        }
        # In a session of its own: Ctrl-C reaches the benchmark alone, which ends its processes one after the other.
        process = subprocess.Popen(
            command,
            env=environment,
            start_new_session=True,
            preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
        )
        self._processes.append(process)
        return process

    def _store_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._store_port}/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def throwaway_pipeline(log: str = "sqlite", store_port: int | None = None) -> Iterator[Pipeline]:
    """Lend a pipeline on a temporary folder, with a log of that engine, and take everything away afterwards."""
    with TemporaryDirectory(prefix="roomstate-benchmark-") as folder, contextlib.ExitStack() as stack:
        broker = BrokerNode(Path(folder) / "kafka") if log == "kafka" else None
        if broker is not None:
            stack.callback(broker.kill)
            broker.start()
        pipeline = Pipeline(Path(folder), broker, store_port)
        stack.callback(pipeline.stop)
        yield pipeline


async def wait_until_stored(store: Store, inputs: int) -> None:
    """Wait until so many inputs are accounted for in the store, as facts or dead letters."""
    deadline = time.monotonic() + _STORED_S
    while (done := (await store.rows("SELECT sum(stored) + sum(dead_lettered) FROM accounting"))[0][0]) < inputs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done} of {inputs} inputs stored after {_STORED_S:g} s")
        await asyncio.sleep(0.1)


async def wait_until_ready(port: int) -> None:
    """Wait until the HTTP edge on the port is ready."""
    await asyncio.to_thread(wait_until_told, f"http://127.0.0.1:{port}/readyz", '"ready":true')


def wait_until_told(url: str, told: str) -> None:
    """Wait until the page has this in it."""
    deadline = time.monotonic() + _START_S
    while told not in _page(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not tell {told}")
        time.sleep(0.05)


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def cpu_seconds(process_id: int) -> float:
    """Return the processor time that a process has used, all threads, user and system."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_bytes(process_id: int) -> int:
    """Return the memory that a process has for itself, without what files it shares."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process_id}/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def received_now() -> int:
    """Return the time to receive an input at.

    Units: epoch milliseconds, UTC.
    """
    return now_ms()
