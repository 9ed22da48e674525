"""Roomstate's servers that benchmarks/ingest.py measures, each in processes of its own, and what is posted to all."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.request import urlopen

from benchmarks.http_load import Load, Target, UnexpectedReply, post_all
from ingest.keys import Keys
from ingest.tokens import SessionTokens
from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from storage.clock import now_ms
from storage.decisions import Decision, encode_decision
from storage.event_log import DECISIONS_TOPIC, Frame
from storage.frames import partition_of
from storage.open_log import open_log

PARTITIONS: Final = 8
_SECRET: Final = "benchmark"
_LEASE_MS: Final = 3_600_000
_READY_S: Final = 20.0
_MEMBERS: Final = ("action", "event", "state", "connections", "sendStreams", "recvStreams")
_BEGINNING: Final = (
    ("Session.connectionCreated", "starting", 2, 0, 0),
    ("Publisher.streamCreated", "sending", 2, 1, 0),
    ("Session.streamCreated", "sendrecv", 2, 1, 1),
    ("Session.subscribeCompleted", "sendrecv", 2, 1, 1),
)
STATUSES: Final = tuple(
    json.dumps(dict(zip(_MEMBERS, ("status", *values), strict=True))).encode() for values in _BEGINNING
)
"""As a call begins; bodies of different lengths."""


class Side(NamedTuple):
    """A running server and what is posted to it."""

    name: str
    pid: int
    load: Load


@contextmanager
def sqlite_side(requests: int, connections: int, folder: Path, processes: int) -> Iterator[Side]:
    """Run ingest on a SQLite log in the folder."""
    with _ingest_side(
        "Roomstate on SQLite", f"sqlite://{folder}/log.db", requests, connections, folder=folder, processes=processes
    ) as side:
        yield side


@contextmanager
def kafka_side(requests: int, connections: int, folder: Path, processes: int) -> Iterator[Side]:
    """Run ingest on a broker of its own, whose processor time is not ingest's."""
    with (
        a_broker(folder) as broker,
        _ingest_side(
            "Roomstate on Kafka", broker.url, requests, connections, folder=folder, processes=processes
        ) as side,
    ):
        yield side


@contextmanager
def a_broker(folder: Path) -> Iterator[BrokerNode]:
    """Run a broker in the folder."""
    broker = BrokerNode(folder / "broker")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def _ingest_side(
    name: str, log_url: str, requests: int, connections: int, *, folder: Path, processes: int
) -> Iterator[Side]:
    """Run ingest with one room and session for each connection."""
    port = free_port()
    settings = {
        "ROOMSTATE_DATA_DIR": str(folder),
        "ROOMSTATE_LOG_URL": log_url,
        "ROOMSTATE_PORT": str(port),
        "ROOMSTATE_INGEST_PROCESSES": str(processes),
        "ROOMSTATE_SECRET": _SECRET,
        "ROOMSTATE_PARTITIONS": str(PARTITIONS),
        "ROOMSTATE_STORE_PORT": str(free_port()),  # nobody there: known sessions are served without the store
    }
    rooms = [f"benchroom{number:02d}" for number in range(connections)]
    tokens = SessionTokens(Keys.of(_SECRET.encode()))
    targets = [Target(f"/rooms/{room}", headers_of(tokens.issue(room, f"stay-in-{room}", now_ms()))) for room in rooms]
    load = Load(port, targets, STATUSES, requests)
    with served([sys.executable, "-m", "roomstate", "ingest"], settings) as pid:
        _wait_until_alive(port, processes)
        _announce(log_url, rooms)
        wait_until_answered(load)
        yield Side(f"{name}, {processes} processes" if processes > 1 else name, pid, load)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that the process, its threads and its children have used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own_s + sum(cpu_s(int(child)) for child in children)


def memory_mib(pid: int) -> float:
    """Return the memory that the process and its children have for themselves."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(fields["RssAnon"].split()[0]) / 1024 + sum(memory_mib(int(child)) for child in children)


def headers_of(token: str) -> Mapping[str, str]:
    """Return the headers that every post has."""
    return {
        "Content-Type": "application/json",
        "Authorization": f"Basic {base64.b64encode(token.encode()).decode()}",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0",
    }


def _announce(log_url: str, rooms: Sequence[str]) -> None:
    """Publish that the rooms exist and who is in them, as a processor would."""
    log = open_log(log_url, PARTITIONS)
    frames = []
    for number, room in enumerate(rooms):
        partition, at_ms = partition_of("call", room, PARTITIONS), now_ms()
        created = Decision((partition, number, 0, 0), "room_created", "call", room, at_ms)
        opened = Decision(
            (partition, number, 1, 0),
            "session_opened",
            "call",
            room,
            at_ms,
            session=f"stay-in-{room}",
            opened_at_ms=at_ms,
            lease_ends_at_ms=at_ms + _LEASE_MS,
        )
        value = b"\n".join((encode_decision(created), encode_decision(opened)))
        frames.append(Frame(DECISIONS_TOPIC, partition, value, 2))
    log.append(frames, 5.0)
    log.close()


@contextmanager
def served(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    """Run a server and lend its process id."""
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(_READY_S)


def _wait_until_alive(port: int, processes: int) -> None:
    """Wait until so many processes serve: one that comes later would not hear what is announced."""
    give_up_s = time.monotonic() + _READY_S
    wanted = f"roomstate_ingest_processes {processes}.0".encode()
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5.0) as reply:
                if wanted in reply.read():
                    return
        except OSError:
            if time.monotonic() > give_up_s:
                raise
        time.sleep(0.05)


def wait_until_answered(load: Load) -> None:
    """Post to every target until all are answered 204; this also warms both sides up."""
    give_up_s = time.monotonic() + _READY_S
    while True:
        try:
            post_all(load._replace(requests=max(1000, len(load.targets))))
            return
        except (OSError, UnexpectedReply):
            if time.monotonic() > give_up_s:
                raise
            time.sleep(0.1)
