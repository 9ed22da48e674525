"""What was answered is there: after the process was killed, and when the disk was full."""

import contextlib
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roomstate.ports import free_port
from storage.embedded.failed_writes import EXIT_CODE
from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import Reply, ask

_TABLE = (
    "CREATE TABLE IF NOT EXISTS t (block UInt32, row UInt32) ENGINE = MergeTree ORDER BY (block, row) "
    "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1"
)
_ROWS = 500
_KILLS = 10


class Inserter(threading.Thread):
    """Inserts numbered blocks until the store is gone; knows which were acknowledged."""

    def __init__(self, store: EmbeddedStore, numbers: Iterator[int]) -> None:
        super().__init__()
        self._store = store
        self._numbers = numbers
        self.acknowledged: list[int] = []

    def run(self) -> None:
        try:
            while True:
                block = next(self._numbers)
                body = "".join(f"{block},{row}\n" for row in range(_ROWS))
                reply = ask(self._store, body, query="INSERT INTO t FORMAT CSV", writer=True)
                assert reply.status == 200, reply.text
                self.acknowledged.append(block)
        except httpx.TransportError:
            return


def test_kills_lose_nothing_acknowledged_and_leave_no_part_of_a_block(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "data", free_port())
    store.start()
    store.run(_TABLE)
    acknowledged: set[int] = set()
    try:
        for kill in range(_KILLS):
            inserters = [Inserter(store, iter(range(kill * 100_000 + n, 10**9, 2))) for n in range(2)]
            for inserter in inserters:
                inserter.start()
            wanted = 3 + kill
            while sum(len(inserter.acknowledged) for inserter in inserters) < wanted:
                inserters[0].join(0.002)
            store.kill()
            for inserter in inserters:
                inserter.join()
                acknowledged.update(inserter.acknowledged)
            store.start()
        counts = store.run("SELECT block, count(), uniqExact(row) FROM t GROUP BY block").decode().splitlines()
        stored = {int(line.split("\t")[0]): line.split("\t")[1:] for line in counts}
        assert acknowledged <= stored.keys()
        assert all(found == [str(_ROWS), str(_ROWS)] for found in stored.values())
        assert not list((store.data_dir / "store" / "spool").iterdir())
    finally:
        store.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 48 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_and_nothing_acknowledged_is_lost(small_disk: Path) -> None:
    store = EmbeddedStore(small_disk / "data", free_port())
    store.start()
    try:
        store.run("CREATE TABLE t (block UInt32, x String CODEC(NONE)) ENGINE = MergeTree ORDER BY block")
        acknowledged: list[tuple[int, Reply]] = []
        refused: list[tuple[int, Reply]] = []
        for block in range(60):
            body = f"{block},{'x' * 1_000_000}\n" * 2
            reply = ask(store, body, query="INSERT INTO t FORMAT CSV", writer=True)
            (acknowledged if reply.status == 200 else refused).append((block, reply))
        assert acknowledged
        assert refused
        assert {reply.code for _, reply in refused} == {243}, [reply.text for _, reply in refused]
        assert store.run("SELECT 1") == b"1\n"
        counts = store.run("SELECT block, count() FROM t GROUP BY block ORDER BY block").decode().splitlines()
        assert counts == [f"{block}\t2" for block, _ in acknowledged]
        store.run("TRUNCATE TABLE t SETTINGS max_table_size_to_drop = 0")
        assert not list((store.data_dir / "store" / "spool").iterdir())
    finally:
        store.stop()


@pytest.fixture(params=["", ", PROJECTION p (SELECT row, count() GROUP BY row)"])
def failing_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedStore]:
    """A store with a table of twenty parts, whose files may from now on not grow beyond 4 kB."""
    store = EmbeddedStore(tmp_path / "data", free_port())
    store.start()
    store.run(f"{_TABLE.replace('row UInt32', f'row UInt32{request.param}')}, old_parts_lifetime = 60")
    store.run("SYSTEM STOP MERGES t")
    for block in range(20):
        store.run(f"INSERT INTO t SELECT {block}, rand() FROM numbers(1000)")
    if store.process is None:
        raise AssertionError
    resource.prlimit(store.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    yield store
    store.stop()


def exit_code(store: EmbeddedStore) -> int:
    """Return how the store ended by itself."""
    if store.process is None:
        raise AssertionError
    return store.process.wait(timeout=20)


def test_an_insert_whose_write_failed_is_not_answered_and_not_there(failing_store: EmbeddedStore) -> None:
    with pytest.raises(httpx.TransportError):
        ask(failing_store, "INSERT INTO t SELECT 20, rand() FROM numbers(10000)", writer=True)
    assert exit_code(failing_store) == EXIT_CODE
    failing_store.start()
    assert failing_store.run("SELECT max(block), count() FROM t") == b"19\t20000\n"


def test_a_merge_whose_write_failed_loses_nothing(failing_store: EmbeddedStore) -> None:
    rows = "SELECT count(), sum(cityHash64(block, row)) FROM t"
    before = failing_store.run(rows)
    with contextlib.suppress(ConnectionError):  # the store may end before it answers
        failing_store.run("SYSTEM START MERGES t")
    assert exit_code(failing_store) == EXIT_CODE
    failing_store.start()
    assert failing_store.run(rows) == before


def test_readers_who_go_away_are_no_failed_writes(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "data", free_port())
    store.start()
    try:
        for number in range(5):
            sql = {"query": f"SELECT number, {number} FROM numbers(1000000000)"}
            with httpx.stream("GET", f"{store.base_url}/", params=sql) as answer:
                next(answer.iter_raw())
        failed = "SELECT sum(value) FROM system.events WHERE event LIKE '%WriteFailed'"
        assert store.run(failed) == b"0\n"
        time.sleep(1.0)
        assert store.is_answering()
    finally:
        store.stop()
