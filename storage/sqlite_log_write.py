"""Writing to the SQLite log: one transaction at a time, in whatever process, there or not there as a whole.

All writers queue (storage/sqlite_log_queue.py) before they touch the database. SQLite before 3.51.3 can damage a
database when one connection checkpoints while another begins the write-ahead log anew (sqlite.org/wal.html, "the
WAL-reset bug"). In the queue that never happens, because checkpoints only run at the end of a commit. A foreign tool
that writes to the file or checkpoints it goes round the queue.

A COMMIT that failed in its sync leaves complete frames in the write-ahead log, which SQLite would take for committed
when it recovers after a crash. So a failed COMMIT is followed by a small one that overwrites them, before anything else
is written and before the caller hears of the failure.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from storage.event_log import LogUnavailable
from storage.sqlite_log_file import connect, is_busy
from storage.sqlite_log_queue import WriterQueue, pauses_until

WAL_BYTES_MAX = 32 * 1024 * 1024
"""Past this a commit waits for readers and empties the write-ahead log."""
_EMPTY_WAL_MS = 300
_LAST_TRY_S = 1.0

Result = TypeVar("Result")


class Writer:
    """The one writing connection of a process; safe from any thread.

    Raises: LogUnavailable if the file or its lock cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal_path = path.with_name(path.name + "-wal")
        self._turn = threading.Lock()
        try:
            self._queue = WriterQueue(path)
        except OSError as error:
            raise LogUnavailable(f"{path}: the log cannot be opened for writing ({error.strerror})") from error
        try:
            self._connection = connect(path, busy_ms=0)
        except sqlite3.Error as error:
            self._queue.close()
            raise LogUnavailable(f"{path}: the log cannot be opened for writing ({error})") from error
        self._empty_wal_at_bytes = WAL_BYTES_MAX
        self._is_in_doubt = False
        self._is_closed = False

    def transact(self, work: Callable[[sqlite3.Connection], Result], timeout_s: float) -> Result:
        """Run `work` in a transaction and return what it returned, once that is durable.

        Raises: LogUnavailable if it is not durable and will not become so: the lock was not to be had in time, or
        the disk is full or failing.
        """
        give_up_at = time.monotonic() + timeout_s
        with self._my_turn(give_up_at):
            try:
                if self._is_in_doubt:
                    self._overwrite_failed_commit()
                self._begin(give_up_at)
                result = work(self._connection)
                if time.monotonic() > give_up_at:
                    raise LogUnavailable(f"{self._path}: not written within {timeout_s} s")
                self._commit()
            except sqlite3.Error as error:
                self._roll_back()
                if self._is_in_doubt:
                    with contextlib.suppress(sqlite3.Error):
                        self._overwrite_failed_commit()
                raise LogUnavailable(f"{self._path}: {error}") from error
            except BaseException:
                self._roll_back()
                raise
            self._keep_wal_short()
        return result

    @contextlib.contextmanager
    def _my_turn(self, give_up_at: float) -> Iterator[None]:
        """Hold the turn among threads, then the lock among processes."""
        if not self._turn.acquire(timeout=max(0.0, give_up_at - time.monotonic())):
            raise LogUnavailable(f"{self._path}: other threads kept the log busy for too long")
        try:
            if self._is_closed:
                raise LogUnavailable(f"{self._path}: the log was closed")
            if not self._queue.enter(give_up_at):
                raise LogUnavailable(f"{self._path}: other processes kept the log busy for too long")
            try:
                yield
            finally:
                self._queue.leave()
        finally:
            self._turn.release()

    def _begin(self, give_up_at: float) -> None:
        """Begin; only a foreign tool can hold the database itself locked."""
        for _ in pauses_until(give_up_at):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
        raise LogUnavailable(f"{self._path}: a foreign program kept the database locked for too long")

    def _commit(self) -> None:
        self._is_in_doubt = True
        self._connection.execute("COMMIT")
        self._is_in_doubt = False

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _overwrite_failed_commit(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("UPDATE log SET failed_commits = failed_commits + 1")
            self._commit()
        finally:
            self._roll_back()

    def _keep_wal_short(self) -> None:
        """Empty the write-ahead log when ordinary checkpoints could not, since some reader was always in the way.

        While this waits nobody commits, so every new reader sees the newest state and is not in the way. Only a foreign
        tool reads for long; the next try comes after as much again was written.
        """
        with contextlib.suppress(sqlite3.Error, OSError):
            wal_bytes = self._wal_path.stat().st_size
            if wal_bytes <= self._empty_wal_at_bytes:
                return
            self._empty_wal_at_bytes = wal_bytes + WAL_BYTES_MAX
            self._connection.execute(f"PRAGMA busy_timeout = {_EMPTY_WAL_MS}")
            try:
                is_blocked, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._connection.execute("PRAGMA busy_timeout = 0")
            if not is_blocked:
                self._empty_wal_at_bytes = WAL_BYTES_MAX

    def close(self) -> None:
        """Give the connection and the lock files back; later calls are refused."""
        if self._is_in_doubt:
            with contextlib.suppress(sqlite3.Error, LogUnavailable), self._my_turn(time.monotonic() + _LAST_TRY_S):
                self._overwrite_failed_commit()
        with self._turn:
            if not self._is_closed:
                self._is_closed = True
                self._connection.close()
                self._queue.close()
