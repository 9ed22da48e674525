"""The SQLite engine of the log: one durable file, several processes (the port: storage/event_log.py).

One call of `append` is one transaction, so the group commit is the caller's batch. Readers have connections of their
own and never wait for a writer, nor a writer for them. Beside the file `<path>` lie SQLite's `-wal` and `-shm`, the
writers' `.lock` and `.next`, the processor's `.worker` and the readers' `.wake/`.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from storage.event_log import Bounds, Frame, LogUnavailable, Record
from storage.sqlite_log_file import READ_BUSY_MS, TOPIC_NUMBERS, connect, open_log_file
from storage.sqlite_log_insert import insert_frames
from storage.sqlite_log_tail import SqliteTail
from storage.sqlite_log_trim import trim_partition
from storage.sqlite_log_worker import is_worker_at_work
from storage.sqlite_log_write import Writer
from storage.wakeup import Sleeper, Waker, wakeup_folder

TRIM_AFTER_MS = 7 * 24 * 3_600_000
_IDLE_READERS_MAX = 8
_RECORD_OVERHEAD_BYTES = 128
"""What a record costs in memory beside its value, so that many empty frames stay bounded too."""
_COMMITTED_TIMEOUT_S = 5.0

_SELECT_FRAMES = """SELECT offset, appended_at_ms, value, lines FROM frames
WHERE topic = ? AND partition = ? AND offset >= ? ORDER BY offset"""
_SELECT_BOUNDS = "SELECT partition, start_offset, end_offset FROM partitions WHERE topic = ? ORDER BY partition"
_SELECT_COMMITTED = "SELECT partition, next_offset FROM committed WHERE consumer_group = ? AND topic = ?"
_UPSERT_COMMITTED = "INSERT OR REPLACE INTO committed VALUES (?, ?, ?, ?)"


class SqliteLog:
    """The port's `EventLog` on one SQLite file.

    Raises: LogMismatch if the file is no log of this version with that many partitions; LogUnavailable if it can
    neither be read nor made.
    """

    def __init__(self, path: Path | str, partitions: int) -> None:
        self.path = Path(path).absolute()
        head = open_log_file(self.path, partitions)
        self._log_id = head.log_id
        self._partitions = head.partitions
        self._writer = Writer(self.path)
        self._wakeup_folder = wakeup_folder(self.path)
        self._waker = Waker(self._wakeup_folder)
        self._readers_lock = threading.Lock()
        self._idle_readers: list[sqlite3.Connection] = []
        self._tails: set[SqliteTail] = set()
        self._is_closed = False

    @property
    def log_id(self) -> str:
        """Made with the log; another log has another id."""
        return self._log_id

    @property
    def partitions(self) -> int:
        """Number of partitions of both topics, fixed when the log was made."""
        return self._partitions

    @property
    def trim_after_ms(self) -> int:
        """How old frames must be before housekeeping trims those that are stored."""
        return TRIM_AFTER_MS

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        """Make all frames durable in one transaction and return their offsets, in the given order.

        Returns or raises after about `timeout_s`, except where the disk itself takes longer to sync: then the call
        waits for the outcome, which is the truth.
        Raises: LogUnavailable; ValueError for a topic or partition that the log does not have.
        """
        if not frames:
            return []
        for frame in frames:
            self._number_of(frame.topic, frame.partition)
        offsets = self._writer.transact(lambda connection: insert_frames(connection, frames), timeout_s)
        for topic in {frame.topic for frame in frames}:
            self._waker.wake(TOPIC_NUMBERS[topic])
        return offsets

    def read(self, topic: str, partition: int, offset: int, limit_bytes: int) -> Sequence[Record]:
        """Return durable frames from `offset` on, at least one if there is one, about `limit_bytes` in all.

        Raises: LogUnavailable if the file cannot be read.
        """
        number = self._number_of(topic, partition)
        records: list[Record] = []
        room_bytes = limit_bytes
        with self._reader() as reader, contextlib.closing(reader.cursor()) as cursor:
            for found in cursor.execute(_SELECT_FRAMES, (number, partition, offset)):
                at_offset, appended_at_ms, value, lines = found
                room_bytes -= len(value) + _RECORD_OVERHEAD_BYTES
                if records and room_bytes < 0:
                    break
                records.append(Record(topic, partition, at_offset, appended_at_ms, value, lines))
        return records

    def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """Return each partition's offsets.

        Raises: LogUnavailable if the file cannot be read.
        """
        number = self._number_of(topic)
        with self._reader() as reader:
            rows = reader.execute(_SELECT_BOUNDS, (number,)).fetchall()
        return {partition: Bounds(start, end) for partition, start, end in rows}

    def follow(self, topic: str, offsets: Mapping[int, int]) -> SqliteTail:
        """Follow the topic from the given offset of each partition; a missing partition starts at its end.

        An offset below the partition's start means its start.
        """
        ends = {partition: bounds.end for partition, bounds in self.bounds(topic).items()}
        for partition in offsets:
            self._number_of(topic, partition)
        tail = SqliteTail(self, topic, {**ends, **offsets}, self.sleeper(topic), self._tails.discard)
        self._tails.add(tail)
        return tail

    def sleeper(self, topic: str) -> Sleeper:
        """Return a sleeper that every commit to the topic wakes; the caller closes it."""
        return Sleeper(self._wakeup_folder, self._number_of(topic))

    def trim(self, topic: str, before: Mapping[int, int], older_than_ms: int) -> int:
        """Forget frames below `before[partition]` that were appended before `older_than_ms`; return how many.

        What remains is always the partition's newest part without a gap: the first frame that is too young ends the
        trimming. The file does not shrink, its room is used again.
        """
        numbers = {partition: self._number_of(topic, partition) for partition in before}
        return sum(
            trim_partition(self._writer, numbers[partition], partition, below, older_than_ms)
            for partition, below in before.items()
        )

    def committed(self, group: str, topic: str) -> Mapping[int, int]:
        """Return the next offset of each partition that the consumer group has committed."""
        number = self._number_of(topic)
        with self._reader() as reader:
            return dict(reader.execute(_SELECT_COMMITTED, (group, number)).fetchall())

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Remember the next offset of each given partition for the consumer group.

        Raises: LogUnavailable if it could not be written.
        """
        number = self._number_of(topic)
        rows = [(group, number, partition, offset) for partition, offset in offsets.items()]
        self._writer.transact(lambda connection: connection.executemany(_UPSERT_COMMITTED, rows), _COMMITTED_TIMEOUT_S)

    def consumers(self) -> int:
        """Return how many processors are at work on this log now: 0 or 1."""
        return int(is_worker_at_work(self.path))

    def close(self) -> None:
        """Release files, sockets and threads; tails end, later calls raise LogUnavailable."""
        for tail in list(self._tails):
            tail.close()
        with self._readers_lock:
            self._is_closed = True
            idle, self._idle_readers = self._idle_readers, []
        for reader in idle:
            reader.close()
        self._writer.close()
        self._waker.close()

    def _number_of(self, topic: str, partition: int = 0) -> int:
        if topic not in TOPIC_NUMBERS:
            raise ValueError(f"the log has no topic {topic!r}, only {', '.join(TOPIC_NUMBERS)}")
        if not 0 <= partition < self._partitions:
            raise ValueError(f"the log has partitions 0 to {self._partitions - 1}, not {partition}")
        return TOPIC_NUMBERS[topic]

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """Lend a reading connection to one thread; whoever reads at the same time gets another."""
        with self._readers_lock:
            if self._is_closed:
                raise LogUnavailable(f"{self.path}: the log was closed")
            reader = self._idle_readers.pop() if self._idle_readers else None
        try:
            reader = reader or _connect_reader(self.path)
            yield reader
        except BaseException as error:
            if reader is not None:
                reader.close()
            if isinstance(error, sqlite3.Error):
                raise LogUnavailable(f"{self.path}: {error}") from error
            raise
        with self._readers_lock:
            if not self._is_closed and len(self._idle_readers) < _IDLE_READERS_MAX:
                self._idle_readers.append(reader)
                return
        reader.close()


def _connect_reader(path: Path) -> sqlite3.Connection:
    reader = connect(path, busy_ms=READ_BUSY_MS)
    reader.execute("PRAGMA query_only = ON")
    return reader
