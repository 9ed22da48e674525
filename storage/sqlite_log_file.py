"""The file under the SQLite log: its schema, how it is made and recognised, and how connections to it are set.

Every connection is in autocommit mode; whoever wants a transaction says BEGIN. A statement that only reads is a
snapshot of its own, so that no reader keeps the write-ahead log from being checkpointed.
"""

import contextlib
import os
import sqlite3
import time
import uuid
from pathlib import Path
from typing import NamedTuple

from storage.clock import now_ms
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, LogMismatch, LogUnavailable

TOPIC_NUMBERS = {INPUTS_TOPIC: 1, DECISIONS_TOPIC: 2}
"""How the topics are called in the file; never changed."""
SCHEMA_VERSION = 1
APPLICATION_ID = 0x526D7374
"""`Rmst` in the file's header, so that a foreign database is recognised."""
WAL_BYTES_KEPT = 16 * 1024 * 1024
CHECKPOINT_PAGES = 2000
READ_BUSY_MS = 5000
OPEN_BUSY_S = 5.0
OPEN_WITHIN_S = 15.0

_SCHEMA = f"""
CREATE TABLE log (log_id TEXT NOT NULL, partitions INTEGER NOT NULL, made_at_ms INTEGER NOT NULL,
                  failed_commits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE topics (topic INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE partitions (topic INTEGER NOT NULL, partition INTEGER NOT NULL,
                         start_offset INTEGER NOT NULL, end_offset INTEGER NOT NULL,
                         PRIMARY KEY (topic, partition)) WITHOUT ROWID;
CREATE TABLE frames (topic INTEGER NOT NULL, partition INTEGER NOT NULL, offset INTEGER NOT NULL,
                     appended_at_ms INTEGER NOT NULL, lines INTEGER NOT NULL, value BLOB NOT NULL,
                     PRIMARY KEY (topic, partition, offset)) WITHOUT ROWID;
CREATE TABLE committed (consumer_group TEXT NOT NULL, topic INTEGER NOT NULL, partition INTEGER NOT NULL,
                        next_offset INTEGER NOT NULL,
                        PRIMARY KEY (consumer_group, topic, partition)) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""


class LogHead(NamedTuple):
    """What a log says of itself."""

    log_id: str
    partitions: int


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether somebody else holds the lock, so that trying again makes sense."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def connect(path: Path, *, busy_ms: int) -> sqlite3.Connection:
    """Return a connection with every commit synced (synchronous=FULL), usable from any one thread at a time.

    Units: `busy_ms` is how long a statement waits for a lock; setting the connection up waits in any case.
    """
    connection = sqlite3.connect(path, timeout=OPEN_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
        connection.execute(f"PRAGMA busy_timeout = {busy_ms}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_log_file(path: Path, partitions: int) -> LogHead:
    """Make the log if there is none, check it if there is, and return its head; safe between processes.

    Raises: LogMismatch if the file is not a log of this version with that many partitions; LogUnavailable if it
    can neither be read nor made.
    """
    _make_folder(path)
    _make_private(path)
    give_up_at = time.monotonic() + OPEN_WITHIN_S
    while True:
        try:
            with contextlib.closing(connect(path, busy_ms=READ_BUSY_MS)) as connection:
                head = _read_or_make(connection, path, partitions)
                _sync_wal(path)
            break
        except OSError as error:
            raise LogUnavailable(f"{path}: the log cannot be opened ({error.strerror})") from error
        except sqlite3.Error as error:
            if is_busy(error) and time.monotonic() < give_up_at:
                time.sleep(0.01)
                continue
            raise _refusal(path, error) from error
    if head.partitions != partitions:
        raise LogMismatch(
            f"{path}: this log has {head.partitions} partitions, but {partitions} are asked for; the number is fixed "
            f"when a log is made: set ROOMSTATE_PARTITIONS={head.partitions}, or name a new log"
        )
    return head


def _make_folder(path: Path) -> None:
    folder = path.parent
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _sync(folder.parent)
    except OSError as error:
        raise LogUnavailable(f"{folder}: the log's folder cannot be made ({error.strerror})") from error


def _make_private(path: Path) -> None:
    """Make the file if there is none, for its owner alone: it holds what people do, and where from.

    SQLite gives the files beside it the same mode. It is made under another name: closing the file itself would take
    away the locks of every connection that this process has to it.
    """
    if path.exists():
        return
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        made.touch(mode=0o600, exist_ok=False)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(made)
        made.unlink()
    except OSError as error:
        raise LogUnavailable(f"{path}: the log cannot be opened ({error.strerror})") from error


def _sync_wal(path: Path) -> None:
    """Make durable what recovery found: a writer killed just before its sync left frames that only memory holds."""
    with contextlib.suppress(FileNotFoundError):
        _sync(path.with_name(path.name + "-wal"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(path: Path, error: sqlite3.Error) -> LogMismatch | LogUnavailable:
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_NOTADB:
        return LogMismatch(f"{path}: this file is no Roomstate log ({error}); name another file")
    return LogUnavailable(f"{path}: the log cannot be opened ({error})")


def _read_or_make(connection: sqlite3.Connection, path: Path, partitions: int) -> LogHead:
    if _is_empty(connection):
        _make(connection, partitions)
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise LogMismatch(f"{path}: this is a database, but no Roomstate log; name another file")
    version = _pragma(connection, "user_version")
    if version != SCHEMA_VERSION:
        raise LogMismatch(
            f"{path}: this log has schema {version}, this program knows {SCHEMA_VERSION}; "
            "use the program that made it, or name a new log"
        )
    return LogHead(*connection.execute("SELECT log_id, partitions FROM log").fetchone())


def _make(connection: sqlite3.Connection, partitions: int) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"its file system does not support a write-ahead log (journal mode {mode})")
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            head = (str(uuid.uuid4()), partitions, now_ms())
            connection.execute("INSERT INTO log (log_id, partitions, made_at_ms) VALUES (?, ?, ?)", head)
            connection.executemany("INSERT INTO topics VALUES (?, ?)", [(n, t) for t, n in TOPIC_NUMBERS.items()])
            slots = [(topic, partition) for topic in TOPIC_NUMBERS.values() for partition in range(partitions)]
            connection.executemany("INSERT INTO partitions VALUES (?, ?, 0, 0)", slots)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _is_empty(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return tables == 0 and _pragma(connection, "application_id") == 0


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
