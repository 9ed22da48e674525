"""Following a topic of the SQLite log: sleeps until a writer commits, then reads what is new."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from storage.event_log import Bounds, Record
from storage.wakeup import Sleeper

POLL_BYTES_MAX = 4 * 1024 * 1024
"""About how much one poll gives, whatever has piled up."""
READ_BYTES_MAX = 1024 * 1024
"""About how much of it one partition may take."""


class Readable(Protocol):
    """What a tail needs of the log."""

    def read(self, topic: str, partition: int, offset: int, limit_bytes: int) -> Sequence[Record]:
        """Return durable frames from `offset` on."""

    def bounds(self, topic: str) -> Mapping[int, Bounds]:
        """Return each partition's offsets."""


class SqliteTail:
    """The port's `Tail` over a SQLite log; `poll` and `close` may be called from different threads.

    Raises: LogUnavailable from `poll` if the file cannot be read.
    """

    def __init__(
        self,
        log: Readable,
        topic: str,
        offsets: Mapping[int, int],
        sleeper: Sleeper,
        on_close: "Callable[[SqliteTail], None]",
    ) -> None:
        self._log = log
        self._topic = topic
        self._next = dict(offsets)
        self._sleeper = sleeper
        self._on_close = on_close
        self._polling = threading.Lock()
        self._is_closed = False

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """Return the next frames in offset order per partition, waiting up to `timeout_s` for the first."""
        give_up_at = time.monotonic() + timeout_s
        with self._polling:
            while not self._is_closed:
                self._sleeper.forget()
                if records := self._take():
                    return records
                left_s = give_up_at - time.monotonic()
                if left_s <= 0 or self._is_closed:
                    break
                self._sleeper.sleep(left_s)
        return []

    def _take(self) -> list[Record]:
        """Return what is new, at most `POLL_BYTES_MAX`, the partitions that waited longest first."""
        taken: list[Record] = []
        room_bytes = POLL_BYTES_MAX
        bounds = self._log.bounds(self._topic)
        for partition, offset in list(self._next.items()):
            if offset >= bounds[partition].end:
                continue
            if room_bytes <= 0:
                break
            records = self._log.read(self._topic, partition, offset, min(room_bytes, READ_BYTES_MAX))
            if records:
                room_bytes -= sum(len(record.value) for record in records)
                taken.extend(records)
                del self._next[partition]  # to the end of the dictionary: its turn comes last next time
                self._next[partition] = records[-1].offset + 1
        return taken

    def close(self) -> None:
        """Stop following; a `poll` under way returns soon."""
        self._is_closed = True
        self._sleeper.wake()
        with self._polling:
            self._sleeper.close()
        self._on_close(self)
