"""The SQLite log on a disk that is full or fails, with readers that never stop.

The faults are the kernel's own: a limit on file sizes, a small file system, and sync calls refused by a system call
filter. Each is put on a process of its own.
"""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from storage.event_log import INPUTS_TOPIC, Bounds
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_write import WAL_BYTES_MAX
from tests.storage.event_log_contract import append, frame, read_all, values_of

ROOT = Path(__file__).parents[2]
PRELUDE = """
import os, resource, signal, sys, threading
from storage.event_log import INPUTS_TOPIC, Frame, LogUnavailable
from storage.sqlite_log import SqliteLog
log = SqliteLog(sys.argv[1], 4)
def append(name, size=0):
    return log.append([Frame(INPUTS_TOPIC, p, name.encode() + b"." * size, 1) for p in range(4)], 1.0)
def refused(name, size=0):
    try:
        append(name, size)
    except LogUnavailable as error:
        return str(error)
    raise SystemExit(f"{name} was taken")
"""


def run(code: str, path: Path, *wrapper: str) -> str:
    command = [*wrapper, sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode in (0, -9, 128 + 9), done.stderr
    return done.stdout


def names_in(path: Path) -> list[list[str]]:
    log = SqliteLog(path, 4)
    names = [[value.rstrip(".") for value in values_of(read_all(log, partition))] for partition in range(4)]
    assert log.bounds(INPUTS_TOPIC) == {partition: Bounds(0, len(names[partition])) for partition in range(4)}
    log.close()
    return names


def test_frames_that_a_file_size_limit_refused_do_not_appear_later(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    said = run(
        """
        append("before")
        room = os.path.getsize(sys.argv[1] + "-wal") + 90_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        print(refused("refused", size=100_000))
        append("small")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        append("after", size=50_000)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        path,
    )
    assert "disk I/O error" in said
    assert names_in(path) == [["before", "small", "after"]] * 4


def test_frames_that_a_full_disk_refused_do_not_appear_later(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=3m tmpfs {disk} && "$@"; r=$?; cp {disk}/* {tmp_path} 2>/dev/null; exit $r'
    wrapper = ("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh")
    can_mount = shutil.which("unshare") and subprocess.run([*wrapper, "true"], capture_output=True, check=False)
    if not can_mount or can_mount.returncode != 0:
        pytest.skip("this machine lets nobody mount a small file system")
    said = run(
        """
        taken = 0
        while True:
            try:
                append(f"call{taken}", size=20_000)
            except LogUnavailable as error:
                print(error)
                break
            taken += 1
        log.trim(INPUTS_TOPIC, dict.fromkeys(range(4), 0), 1)
        print(taken, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        disk / "log.db",
        *wrapper,
    )
    assert "full" in said
    taken = int(said.split()[-1])
    assert taken > 3
    assert names_in(tmp_path / "log.db") == [[f"call{number}" for number in range(taken)]] * 4


REFUSE_SYNC = """
import ctypes, platform, struct
FSYNC, FDATASYNC = {"x86_64": (74, 75), "aarch64": (82, 83)}[platform.machine()]
EIO = 5
class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("steps", ctypes.c_void_p)]
def refuse_sync():
    \"\"\"Make fsync and fdatasync fail in this thread for ever.\"\"\"
    step = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)
    steps = (step(0x20, 0, 0, 0) + step(0x15, 1, 0, FSYNC) + step(0x15, 0, 1, FDATASYNC)
             + step(0x06, 0, 0, 0x00050000 | EIO) + step(0x06, 0, 0, 0x7FFF0000))
    buffer = ctypes.create_string_buffer(steps)
    libc = ctypes.CDLL(None, use_errno=True)
    program = Program(5, ctypes.addressof(buffer))
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, "no filter"
def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""


def test_frames_whose_sync_failed_do_not_appear_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    said = run(
        REFUSE_SYNC
        + textwrap.dedent("""
        append("before")
        def fail():
            refuse_sync()
            print(refused("refused", size=9000))
        in_thread(fail)
        os.kill(os.getpid(), signal.SIGKILL)
        """),
        path,
    )
    assert "disk I/O error" in said
    assert names_in(path) == [["before"]] * 4


def test_writing_goes_on_after_a_failed_sync(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    run(
        REFUSE_SYNC
        + textwrap.dedent("""
        append("before")
        def fail():
            refuse_sync()
            refused("refused", size=9000)
            refused("refused again", size=9000)
        in_thread(fail)
        append("after", size=9000)
        os.kill(os.getpid(), signal.SIGKILL)
        """),
        path,
    )
    assert names_in(path) == [["before", "after"]] * 4


def test_the_write_ahead_log_stays_bounded_beside_readers_that_never_stop(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    is_over = threading.Event()

    def read_for_ever(log: SqliteLog) -> None:
        while not is_over.is_set():
            log.read(INPUTS_TOPIC, 0, 0, 1 << 20)
            log.bounds(INPUTS_TOPIC)

    largest_bytes = 0
    with contextlib.closing(SqliteLog(path, 4)) as log, contextlib.closing(SqliteLog(path, 4)) as other:
        readers = [threading.Thread(target=read_for_ever, args=(other,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        for _ in range(60):
            log.append([frame(b"x" * 400_000, partition) for partition in range(4)], 20.0)
            largest_bytes = max(largest_bytes, path.with_name("log.db-wal").stat().st_size)
        is_over.set()
        for reader in readers:
            reader.join()
    assert largest_bytes < WAL_BYTES_MAX * 1.2


def test_a_foreign_reader_that_never_ends_makes_the_write_ahead_log_grow_but_nobody_wait_for_long(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    with contextlib.closing(SqliteLog(path, 4)) as log, contextlib.closing(sqlite3.connect(path)) as foreign:
        foreign.execute("BEGIN")
        foreign.execute("SELECT * FROM log").fetchone()
        started = time.monotonic()
        for _ in range(60):
            log.append([frame(b"x" * 400_000, partition) for partition in range(4)], 20.0)
        assert time.monotonic() - started < 30
        foreign.execute("COMMIT")
        for _ in range(30):
            log.append([frame(b"x" * 400_000, partition) for partition in range(4)], 20.0)
        assert path.with_name("log.db-wal").stat().st_size < WAL_BYTES_MAX * 1.2


def test_a_reader_holds_no_snapshot_between_its_reads(tmp_path: Path) -> None:
    with contextlib.closing(SqliteLog(tmp_path / "log.db", 4)) as log:
        for _ in range(3):
            append(log, "x" * 400_000)
        assert len(log.read(INPUTS_TOPIC, 0, 0, 1)) == 1, "a read that stopped in the middle"
        for _ in range(40):
            append(log, "x" * 400_000)
        assert (tmp_path / "log.db-wal").stat().st_size < 12_000_000
