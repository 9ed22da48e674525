"""A real log, a real store and real worker processes between them, and the check that nothing was lost or doubled."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from state_machine.inputs import Input
from storage.decisions import Decision, decode_decision
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, Frame, Record
from storage.frames import encode_input, pack_frames, partition_of, split_frame
from storage.open_log import open_log
from storage.store import Store
from tests.processors.builders import RULES, T0_MS, plain_rows

PARTITIONS = 4
PATIENCE_S = 60.0
_READ_BYTES = 16 * 1024 * 1024
Row = dict[str, Any]

_OF_THE_WRITER = frozenset({"judged_at", "inserted_at", "epoch"})


class Worker:
    """A worker process and what it printed."""

    def __init__(self, order: dict[str, Any], output: Path) -> None:
        self._output = output
        with output.open("ab") as log:
            command = [sys.executable, "-m", "tests.processors.worker_process", json.dumps(order)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def thaw(self) -> None:
        """Let it go on after it has stopped itself."""
        self.process.send_signal(signal.SIGCONT)

    def wait_until_frozen(self) -> None:
        wait_until(lambda: _state(self.process.pid) == "T", f"the worker to freeze: {self.printed}")

    def wait(self) -> int:
        return self.process.wait(timeout=PATIENCE_S)

    def wait_until_printed(self, text: str) -> None:
        wait_until(
            lambda: text in self.printed or self.process.poll() is not None,
            f"the worker to print {text!r}: {self.printed}",
        )
        assert text in self.printed, f"the worker ended without {text!r}: {self.printed}"


class Pipeline:
    """One log, one database, and the workers that a test starts on them."""

    def __init__(self, folder: Path, store_url: str, log_url: str = "", partitions: int = PARTITIONS) -> None:
        """Shape: the log is a SQLite file in the folder unless its URL is given."""
        self.folder = folder
        self.store_url = store_url
        self.log_url = log_url or f"sqlite://{folder / 'log.db'}"
        self.partitions = partitions
        self.log = open_log(self.log_url, partitions)
        self.workers: list[Worker] = []

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        self.log.close()

    def append(self, items: Iterable[Input]) -> None:
        """Append inputs as ingest does: one frame per partition."""
        by_partition: dict[int, list[bytes]] = {}
        for item in items:
            number = partition_of(item.room_kind, item.room, self.partitions)
            by_partition.setdefault(number, []).append(encode_input(item))
        self.append_frames(
            Frame(INPUTS_TOPIC, number, value, count)
            for number, lines in by_partition.items()
            for value, count in pack_frames(lines)
        )

    def append_frames(self, frames: Iterable[Frame]) -> None:
        self.log.append(list(frames), 10.0)

    def start_worker(self, **order: Any) -> Worker:
        order = {
            "data_dir": str(self.folder / "data"),
            "log_url": self.log_url,
            "store_url": self.store_url,
            "partitions": self.partitions,
            **order,
        }
        worker = Worker(order, self.folder / f"worker-{len(self.workers)}.txt")
        self.workers.append(worker)
        return worker

    def records(self, topic: str, partitions: Iterable[int] = ()) -> list[Record]:
        """Return every frame of the topic, or of some of its partitions."""
        found: list[Record] = []
        every = self.log.bounds(topic)
        for number in partitions or every:
            bounds = every[number]
            offset = bounds.start
            while offset < bounds.end:
                found += self.log.read(topic, number, offset, _READ_BYTES)
                offset = found[-1].offset + 1
        return found

    def places(self, partitions: Iterable[int] = ()) -> list[tuple[int, int, int]]:
        """Return the place of every line in the log, or in some of its partitions."""
        return [
            (record.partition, record.offset, index)
            for record in self.records(INPUTS_TOPIC, partitions)
            for index in range(len(split_frame(record.value)))
        ]

    def rows(self) -> list[Row]:
        """Return every stored row, in log order, without what the writer chose."""
        table = run_apart(self._read_rows())
        return [{name: value for name, value in row.items() if name not in _OF_THE_WRITER} for row in table]

    async def _read_rows(self) -> list[Row]:
        async with await Store.connect(self.store_url) as store:
            table = await store.arrow(
                "SELECT * REPLACE (toString(room_kind) AS room_kind, toString(event_family) AS event_family) "
                "FROM room_events ORDER BY log_partition, log_offset, log_index, fact_index = 0, fact_index"
            )
        return plain_rows(table)

    def stored_inputs(self) -> int:
        """Return how many inputs have their answer in the store."""
        return int(self.query("SELECT countIf(fact_index = 0) FROM room_events")[0][0])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        async def ask() -> list[tuple[Any, ...]]:
            async with await Store.connect(self.store_url) as store:
                return await store.rows(sql)

        found: list[tuple[Any, ...]] = run_apart(ask())
        return found

    def wait_until_stored(self) -> None:
        """Wait until as many inputs are stored as the log holds."""
        wanted = len(self.places())
        wait_until(
            lambda: self.stored_inputs() >= wanted,
            f"{wanted} inputs to be stored; {self.workers[-1].printed if self.workers else ''}",
        )

    def decisions(self) -> list[Decision]:
        """Return every published decision."""
        return [decode_decision(line) for record in self.records(DECISIONS_TOPIC) for line in split_frame(record.value)]

    def check(self) -> None:
        """Every line of the log is in the store once, decided as an undisturbed worker decides it, and answered."""
        stored = self.check_rows()
        asked = {row["input_id"] for row in stored if row["input_id"]}
        assert {decision.id for decision in self.decisions() if decision.id} == asked

    def check_rows(self) -> list[Row]:
        """Return the rows, if every line of the log is there once, decided as an undisturbed worker decides it."""
        stored = self.rows()
        answered = [
            (row["log_partition"], row["log_offset"], row["log_index"]) for row in stored if not row["fact_index"]
        ]
        assert answered == self.places()
        expected = self.undisturbed_rows()
        assert [comparable(row) for row in stored] == [comparable(row) for row in expected]
        return stored

    def undisturbed_rows(self) -> list[Row]:
        """Return the rows that one worker would have stored that was never disturbed."""
        block = Block()
        held = {number: Partition(number, 0, 0) for number in range(self.partitions)}
        for record in self.records(INPUTS_TOPIC):
            frame = Taken(record.partition, record.offset, record.appended_at_ms, record.value, lambda: None)
            judge(decode_slice(frame, 0, 1 << 30), held[record.partition], self.partitions, RULES, block)
        rows = plain_rows(rows_of(block, dict.fromkeys(held, 0), T0_MS))
        return [{name: value for name, value in row.items() if name not in _OF_THE_WRITER} for row in rows]


def _state(process_id: int) -> str:
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]


def comparable(row: Row) -> Row:
    """Return the row with its `extra` decoded: what counts is the members."""
    return {**row, "extra": json.loads(row["extra"]) if row["extra"] else {}}


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for a condition, with a generous bound."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def run_apart(work: Any) -> Any:
    """Run a coroutine in a thread of its own, whether or not there is an event loop here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
