"""What was answered is there: after the process was killed, and when the disk was full."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures_store import EmbeddedStore, free_port
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
