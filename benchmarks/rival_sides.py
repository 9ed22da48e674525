"""The sides of benchmarks/rivals.py: what is logged for them, their processes, and the engine's own insert."""

import asyncio
import itertools
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import clickhouse_connect
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_connect.driver.client import Client

from benchmarks.drain import LEASE_S
from benchmarks.pipeline import PARTITIONS, Pipeline, cpu_seconds
from benchmarks.results import Figures
from benchmarks.rival_judging import TABLE
from roomstate.running.parent_death import end_with_starter
from storage.event_log import Frame
from storage.frames import split_frame
from storage.store import Store
from storage.store_url import parse_store_url

# That the broker needs a moment for a new topic is told as errors, and repeated until it works.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

_DONE_S: Final = 1800.0
_VERDICTS: Final = "SELECT fact, verdict, reason, count() FROM {table} GROUP BY ALL ORDER BY ALL"
_ENGINE_ROWS: Final = 65_536
"""As many as ClickHouse's Kafka table collects into a block."""
_INPUTS: Final = """
CREATE TABLE rival_inputs
(
    kind LowCardinality(String), room_kind LowCardinality(String), room String, session String, user String,
    event String, state LowCardinality(String), connections UInt32, send_streams UInt32, recv_streams UInt32,
    client_ip String, user_agent String, received_at_ms Int64
)
ENGINE = MergeTree ORDER BY (room_kind, room, received_at_ms)"""


class Rivals:
    """Processes that drain what was logged for them, and that their rows are the same."""

    def __init__(self, pipeline: Pipeline, frames: Sequence[Frame]) -> None:
        self._pipeline = pipeline
        self._statuses = sum(frame.lines for frame in frames)
        self._verdicts: list[Any] = []
        self._groups = itertools.count()
        asyncio.run(self._prepare(frames))

    def drained(self, module: str, take: int | None, *, are_frames: bool = False) -> Figures:
        """Let one rival drain everything; return what that cost."""
        pipeline = self._pipeline
        command = [sys.executable, "-m", f"benchmarks.{module}", "--broker", self._broker]
        command += ["--topic", "rival-frames" if are_frames else "rival-statuses"]
        command += ["--group", f"rival-{next(self._groups)}", "--store-url", pipeline.settings.store_engine_url()]
        command += ["--statuses", str(self._statuses), "--lease-ms", str(LEASE_S * 1000)]
        before = cpu_seconds(pipeline.store_pid)
        with tempfile.TemporaryDirectory() as folder:
            if take is not None:
                command += ["--take", str(take), "--partitions", str(PARTITIONS), "--data-dir", folder]
            told = _told(command)
        store_s = cpu_seconds(pipeline.store_pid) - before
        asyncio.run(self._check_and_empty())
        return {
            "inputs per CPU second of the processors": self._statuses / told["cpu_s"],
            "inputs per second": self._statuses / told["wall_s"],
            "CPU seconds of the store": store_s,
            "memory of each processor, MiB": told["bytes"] / (1 << 20),
            "inserts": told["inserts"],
        }

    @property
    def _broker(self) -> str:
        if self._pipeline.broker is None:
            raise ValueError("rivals need a broker")
        return self._pipeline.broker.url.removeprefix("kafka://")

    async def _prepare(self, frames: Sequence[Frame]) -> None:
        async with await Store.connect(self._pipeline.settings.store_engine_url()) as store:
            await store.command(f"CREATE TABLE {TABLE} AS room_events")
        admin = AIOKafkaAdminClient(bootstrap_servers=self._broker)
        await admin.start()
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in ("rival-statuses", "rival-frames")])
        await admin.close()
        async with AIOKafkaProducer(bootstrap_servers=self._broker, max_batch_size=1 << 19) as producer:
            await _produce(producer, "rival-statuses", frames, lambda frame: split_frame(frame.value))
            await _produce(producer, "rival-frames", frames, lambda frame: [frame.value])

    async def _check_and_empty(self) -> None:
        async with await Store.connect(self._pipeline.settings.store_engine_url()) as store:
            verdicts = await store.rows(_VERDICTS.format(table=TABLE))
            self._verdicts = self._verdicts or verdicts
            if verdicts != self._verdicts:
                raise RuntimeError(f"two rivals judged differently: {verdicts} and {self._verdicts}")
            await store.command(f"TRUNCATE TABLE {TABLE}")


async def _produce(
    producer: AIOKafkaProducer, topic: str, frames: Sequence[Frame], values_of: Callable[[Frame], list[bytes]]
) -> None:
    """Append the values to the topic, each in its frame's partition, in order."""
    for number in range(PARTITIONS):
        batch = producer.create_batch()
        for value in (value for frame in frames if frame.partition == number for value in values_of(frame)):
            if batch.append(key=None, value=value, timestamp=None) is None:
                await (await producer.send_batch(batch, topic, partition=number))
                batch = producer.create_batch()
                batch.append(key=None, value=value, timestamp=None)
        if batch.record_count():
            await (await producer.send_batch(batch, topic, partition=number))


def _told(command: Sequence[str]) -> dict[str, float]:
    """Run the process to its end and return what it says."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
    )
    try:
        output, _ = process.communicate(timeout=_DONE_S)
    finally:
        process.kill()
        process.wait()
    if process.returncode or not output:
        raise RuntimeError(f"{command[2]} ended with exit code {process.returncode} and said nothing")
    return dict(json.loads(output.splitlines()[-1]))  # Faust says something of its own before


class Engine:
    """The engine's own insert of the same lines: what is between a log and a table where nothing is judged."""

    def __init__(self, pipeline: Pipeline, frames: Sequence[Frame]) -> None:
        self._pipeline = pipeline
        self._statuses = sum(frame.lines for frame in frames)
        self._blocks = list(_blocks(frames))

    def inserted(self) -> Figures:
        """Insert everything once."""
        return asyncio.run(self._inserted())

    async def _inserted(self) -> Figures:
        pid = self._pipeline.store_pid
        async with await Store.connect(self._pipeline.settings.store_engine_url()) as store:
            client = self._client()
            await store.command(_INPUTS)
            before, begun_s = cpu_seconds(pid), asyncio.get_running_loop().time()
            for block in self._blocks:
                await asyncio.to_thread(client.raw_insert, "rival_inputs", insert_block=block, fmt="JSONEachRow")
            took_s, used_s = asyncio.get_running_loop().time() - begun_s, cpu_seconds(pid) - before
            stored = (await store.rows("SELECT count() FROM rival_inputs"))[0][0]
            if stored != self._statuses:
                raise RuntimeError(f"{stored} of {self._statuses} rows stored")
            await store.command("DROP TABLE rival_inputs")
        return {
            "inputs per CPU second of the processors": self._statuses / used_s,
            "inputs per second": self._statuses / took_s,
            "CPU seconds of the store": used_s,
            "inserts": len(self._blocks),
        }

    def _client(self) -> Client:
        address = parse_store_url(self._pipeline.settings.store_engine_url())
        return clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            database=address.database or "roomstate",
            compress=False,
        )


def _blocks(frames: Sequence[Frame]) -> Iterator[bytes]:
    """Yield the frames' lines in as many as the engine takes at once."""
    lines: list[bytes] = []
    for frame in frames:
        lines.extend(split_frame(frame.value))
        if len(lines) >= _ENGINE_ROWS:
            yield b"\n".join(lines)
            lines = []
    if lines:
        yield b"\n".join(lines)
