"""Starting where it can't, stopping when told, and keeping to its folder."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from roomstate.ports import free_port
from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import Reply, ask


def failed_start(data_dir: Path, port: int) -> str:
    """Start the store, which must fail; return what it printed."""
    command = [sys.executable, "-m", "storage.embedded", "--data-dir", str(data_dir), "--port", str(port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in failed_start(tmp_path, port)


def test_a_folder_has_one_owner(embedded_store: EmbeddedStore) -> None:
    text = failed_start(embedded_store.data_dir, free_port())
    assert "belongs to a store that runs already" in text
    assert embedded_store.process is not None
    assert str(embedded_store.process.pid) in text
    assert embedded_store.run("SELECT 1") == b"1\n"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert "cannot be written" in failed_start(file / "data", free_port())


def test_a_folder_of_a_newer_engine_is_left_alone(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, free_port())
    store.start()
    assert store.stop() == 0
    note = tmp_path / "store" / "engine_version"
    written = note.read_text()
    note.write_text("99.1.2.3\n")
    assert "was written by engine 99.1.2.3" in failed_start(tmp_path, store.port)
    note.write_text(written)
    store.start()
    assert store.stop() == 0


def test_what_was_stored_is_there_after_a_stop(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, free_port())
    store.start()
    store.run("CREATE DATABASE d")
    store.run("CREATE TABLE d.t (a UInt8) ENGINE = MergeTree ORDER BY a")
    store.run("INSERT INTO d.t VALUES (5)")
    password = store.password
    assert store.stop() == 0
    store.start()
    assert store.run("SELECT a FROM d.t") == b"5\n"
    assert store.password == password
    assert store.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_insert_ends_before_the_process_does(tmp_path: Path, number: signal.Signals) -> None:
    store = EmbeddedStore(tmp_path, free_port())
    store.start()
    store.run("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    replies: list[Reply] = []
    slow = "INSERT INTO t SELECT number FROM numbers(20) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1"
    thread = threading.Thread(target=lambda: replies.append(ask(store, slow, writer=True)))
    thread.start()
    while b"0" in store.run("SELECT count() FROM system.processes WHERE query_kind = 'Insert'"):
        thread.join(0.01)
    assert store.process is not None
    store.process.send_signal(number)
    assert store.process.wait(timeout=60) == 0
    thread.join()
    assert [reply.status for reply in replies] == [200]
    store.start()
    assert store.run("SELECT count() FROM t") == b"20\n"
    store.stop()


def test_a_reader_without_end_does_not_keep_the_process(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, free_port())
    store.start()
    replies: list[Reply] = []
    endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
    thread = threading.Thread(target=lambda: replies.append(ask(store, endless)))
    thread.start()
    processes = "SELECT count() FROM system.processes WHERE position(query, 'sipHash64') > 0"
    while store.run(processes) != b"2\n":
        thread.join(0.01)
    assert store.stop() == 0
    thread.join()
    assert [reply.code for reply in replies] == [394]


def test_the_process_keeps_to_its_folder_where_the_kernel_can_hold_it(
    embedded_store: EmbeddedStore, tmp_path: Path
) -> None:
    if "fenced by Landlock" not in embedded_store.log_path.read_text():
        pytest.skip("this kernel has no Landlock")
    for sql in (
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT file('/etc/passwd')",
        f"SELECT * FROM file('{embedded_store.data_dir}/store.password', 'LineAsString')",
        f"INSERT INTO FUNCTION file('{tmp_path}/x.csv', 'CSV') SELECT 1",
    ):
        reply = ask(embedded_store, sql, writer=True)
        assert reply.status == 500, reply.text
        assert embedded_store.password not in reply.text
    assert not list(tmp_path.iterdir())
