"""What the rivals of the pipeline have in common: the judging, the rows, the insert, and when they are done.

The judging is the product's own state machine, lines are decoded as the product decodes them, and a row is the tuple
that clickhouse-connect takes: what somebody would write who has the state machine and Kafka, and no pipeline.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from typing import Any, Final, Self

import msgspec
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient

from benchmarks.pipeline import memory_bytes
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.numbers import number_openings
from state_machine.room import Room, Rules
from state_machine.vocabulary import RULE_VERSION
from storage.clock import now_ms
from storage.frames import read_input, split_frame
from storage.store_url import parse_store_url

TABLE: Final = "rival_events"
BATCH_ROWS: Final = 10_000
"""Of an insert where nothing else bounds it: what ClickHouse's own manual recommends as a good batch."""
BATCH_S: Final = 1.0
"""After so long a batch goes out, however small."""
COLUMNS: Final = (
    *("kind", "fact", "fact_index", "room_kind", "room_id", "session_id", "user_id", "event", "event_family"),
    *("state", "connections", "send_streams", "recv_streams"),
    *("prev_state", "prev_connections", "prev_send_streams", "prev_recv_streams"),
    *("verdict", "reason", "rule_version", "moved", "opened_at", "prev_since", "lease_ends_at"),
    *("device_type", "service", "app", "client_ip", "user_agent", "bytes_sent", "bytes_recv", "input_id", "client_seq"),
    *("occurred_at", "received_at", "at", "judged_at", "log_partition", "log_offset", "log_index", "frame_inputs"),
    *("epoch", "session_number", "extra"),
)
_NOBODY: Final = Input(kind="")

Row = tuple[Any, ...]


def add_task(parser: argparse.ArgumentParser) -> None:
    """Let a rival be told what to drain, and where to."""
    for name in ("--broker", "--topic", "--group", "--store-url"):
        parser.add_argument(name, required=True)
    for name in ("--statuses", "--lease-ms"):
        parser.add_argument(name, type=int, required=True)


class Judging:
    """Rooms in memory, and what the statuses about them come to."""

    def __init__(self, lease_ms: int) -> None:
        self._rooms: dict[tuple[str, str], Room] = {}
        self._rules = Rules(call_lease_ms=lease_ms)
        self._last_numbers: dict[int, int] = {}

    def rows(self, value: bytes | None, partition: int, offset: int) -> Iterator[Row]:
        """Yield the rows of a message: one status, or lines of them."""
        lines = split_frame(value or b"")
        for index, line in enumerate(lines):
            item = read_input(line)
            key = (item.room_kind, item.room)
            room = self._rooms.get(key)
            if room is None:
                room = self._rooms[key] = Room(*key)
            facts = decide(room, item, self._rules)
            self._last_numbers[partition] = number_openings(facts, partition, self._last_numbers.get(partition, 0))
            judged_at_ms = now_ms()
            for fact in facts:
                evolve(room, fact)
                yield _row(item, fact, judged_at_ms, (partition, offset, index, len(lines)))


def _row(item: Input, fact: Fact, judged_at_ms: int, place: tuple[int, int, int, int]) -> Row:
    client = item if fact.index == 0 or fact.session_id == item.session else _NOBODY
    return (
        *(item.kind, fact.name, fact.index, item.room_kind, item.room, fact.session_id, fact.user_id),
        *(item.event if fact.index == 0 else "", fact.family, *fact.declared, *fact.before),
        *(fact.verdict, fact.reason, RULE_VERSION, fact.moved, fact.opened_at_ms, fact.since_ms, fact.lease_ends_at_ms),
        *(client.device_type, client.service, client.app, client.client_ip, client.user_agent),
        *(client.bytes_sent, client.bytes_recv, item.id, item.seq, item.occurred_at_ms or item.received_at_ms),
        *(item.received_at_ms, fact.at_ms, judged_at_ms, *place, 1, fact.session_number),
        msgspec.json.encode(fact.extra).decode() if fact.extra else "",
    )


class Sink:
    """Inserts rows, counts statuses, and tells what the process used once all of them are stored."""

    def __init__(self, client: AsyncClient, column_types: list[Any], statuses: int) -> None:
        self._client = client
        self._column_types = column_types
        self.left = statuses
        self._begun: tuple[float, float] | None = None
        self._inserts = 0

    @classmethod
    async def connect(cls, store_url: str, statuses: int) -> Self:
        """Connect to the store, where the rivals' table is."""
        address = parse_store_url(store_url)
        client = await create_async_client(
            host=address.host,
            port=address.port or 0,
            username=address.user,
            password=address.password,
            database=address.database or "roomstate",
            compress=False,
        )
        context = await client.create_insert_context(TABLE, list(COLUMNS))
        return cls(client, list(context.column_types), statuses)

    def begin(self) -> None:
        """Start the clocks, at the first message."""
        if self._begun is None:
            self._begun = time.process_time(), time.monotonic()

    async def insert(self, rows: list[Row], statuses: int) -> None:
        """Insert the rows of so many statuses; ends the process after the last."""
        await self._client.insert(TABLE, rows, column_names=COLUMNS, column_types=self._column_types)
        self._inserts += 1
        self.left -= statuses
        if self.left <= 0 and self._begun is not None:
            cpu_s, wall_s = time.process_time() - self._begun[0], time.monotonic() - self._begun[1]
            told = {"cpu_s": cpu_s, "wall_s": wall_s, "inserts": self._inserts, "bytes": memory_bytes(os.getpid())}
            print(json.dumps(told), flush=True)
            os._exit(0)  # nothing is left to be tidied up, and Faust would take its time
