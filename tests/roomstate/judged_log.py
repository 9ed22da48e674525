"""A log with frames of every sort, and the rows that a processor makes of them, to be stored whole or tampered with."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from processors.block import Block
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from state_machine.inputs import Input
from state_machine.room import Rules
from state_machine.vocabulary import ROOM_KINDS
from storage.event_log import INPUTS_TOPIC, EventLog, Frame
from storage.frames import encode_input, partition_of
from storage.sqlite_log import SqliteLog
from tests.processors.builders import plain_rows
from tests.storage.rows_builder import NOON_MS, Row

PARTITIONS = 3
_SESSIONS = ["open", "refresh", "close", "kill"]
_KINDS = {
    "call": ["status"] * 6 + [*_SESSIONS, "room_create", "log_domains", "register"],
    "account": _SESSIONS * 2,
    "stream": [*_SESSIONS, "publish", "unpublish", "expire"],
}


class JudgedLog:
    """A log of three partitions and its rows; the rows of a frame are those of a processor."""

    def __init__(self, log: EventLog, seed: int = 1) -> None:
        self.log = log
        self.rows: list[Row] = []
        self._held = [Partition(number, 0, 0) for number in range(PARTITIONS)]
        self._chance = random.Random(seed)
        self._now_ms = NOON_MS
        self._rooms = {
            (kind, number): [
                room for room in map("room-{}".format, range(40)) if partition_of(kind, room, PARTITIONS) == number
            ][:4]
            for kind in ROOM_KINDS
            for number in range(PARTITIONS)
        }

    @classmethod
    def in_folder(cls, folder: Path) -> "JudgedLog":
        """Return an empty one on SQLite."""
        return cls(SqliteLog(folder / "log.db", PARTITIONS))

    @property
    def path(self) -> Path:
        """The file of the log on SQLite."""
        return cast(SqliteLog, self.log).path

    def fill(self, frames: Sequence[int] = (3, 1, 5, 2, 4)) -> "JudgedLog":
        """Append frames of these sizes to each partition."""
        for number in range(PARTITIONS):
            for size in frames:
                self.append(number, [self.some_input(number) for _ in range(size)])
        return self

    def append(self, number: int, items: Sequence[Input | bytes], stored: bool = True) -> int:
        """Append one frame; return its offset."""
        lines = [item if isinstance(item, bytes) else encode_input(item) for item in items]
        value = b"\n".join(lines)
        (offset,) = self.log.append([Frame(INPUTS_TOPIC, number, value, len(lines))], 5.0)
        (record,) = self.log.read(INPUTS_TOPIC, number, offset, 1)
        block = Block()
        taken = Taken(number, offset, record.appended_at_ms, value, lambda: None)
        judge(decode_slice(taken, 0, 1_000_000), self._held[number], PARTITIONS, Rules(), block)
        if stored:
            self.rows += plain_rows(rows_of(block, {number: 0}, NOON_MS))
        return offset

    def a_call(self, number: int) -> str:
        """Return a room of the partition for a call."""
        return self._rooms["call", number][0]

    def some_input(self, number: int) -> Input:
        """Return an input of the partition: mostly statuses, with whatever inputs may carry."""
        chance = self._chance
        self._now_ms += chance.choice([1, 1000, 20_000])
        room_kind = chance.choice(["call", "call", *ROOM_KINDS])
        kinds = _KINDS[room_kind]
        return Input(
            kind=chance.choice(kinds),
            received_at_ms=self._now_ms,
            room_kind=room_kind,
            room=chance.choice(self._rooms[room_kind, number]),
            session=chance.choice(["s", "t", "ü\n", ""]),
            event=chance.choice(["Session.connectionCreated", "?"]),
            state=chance.choice(["waiting", "sending", "?"]),
            connections=chance.choice([0, 1, 1 << 40]),
            send_streams=chance.randrange(2),
            id=chance.choice(["", f"i{self._now_ms}"]),
            seq=chance.choice([0, self._now_ms]),
            occurred_at_ms=chance.choice([0, self._now_ms - 5]),
            user=chance.choice(["", "u"]),
            client_ip=chance.choice(["", "192.0.2.1"]),
            user_agent=chance.choice(["", "Firefox"]),
            bytes_sent=chance.randrange(3),
            device_type=chance.choice(["", "stb"]),
            replace=chance.choice(["", "oldest", "s"]) if room_kind == "account" else "",
            extra=chance.choice([{}, {}, {"a": [1, {"b": None}], "c": 0.5}, {"node": "n1", "region": "eu"}]),
        )

    def at(self, number: int, offset: int, index: int | None = None, fact_index: int | None = None) -> list[Row]:
        """Return the rows of one frame, of one input of it, or one row."""
        wanted = {"log_partition": number, "log_offset": offset, "log_index": index, "fact_index": fact_index}
        return [row for row in self.rows if all(value in (None, row[name]) for name, value in wanted.items())]

    def without(self, *rows: Row) -> list[Row]:
        """Return all rows but these."""
        return [row for row in self.rows if not any(row is other for other in rows)]

    def with_changes(self, changed: Row, **values: object) -> list[Row]:
        """Return all rows, one of them with other values."""
        return [row | values if row is changed else row for row in self.rows]


def with_consequences(filled: JudgedLog) -> list[Row]:
    """The three consequences of a kill: four sessions close with it."""
    room = filled.a_call(1)
    joins = [Input("open", NOON_MS, room=room, session=f"s{number}") for number in range(4)]
    offset = filled.append(1, [*joins, Input("kill", NOON_MS, room=room)])
    filled.append(1, joins)
    consequences = [row for row in filled.at(1, offset, 4) if row["fact_index"] > 0]
    assert len(consequences) == 3
    return consequences
