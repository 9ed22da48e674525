"""Several statements at once, readers who go away, and errors that must stay with whom they belong to."""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import ask

_WAIT_S = 30.0


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def running(store: EmbeddedStore, part: str) -> int:
    sql = f"SELECT count() FROM system.processes WHERE position(query, '{part}') > 0 AND query NOT LIKE '%processes%'"
    return int(store.run(sql))


def begin(store: EmbeddedStore, sql: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=30)
    connection.request("POST", f"/?query={quote(sql)}", body=b"")
    return connection


def hang_up(connection: http.client.HTTPConnection) -> None:
    connection.sock.close()
    connection.close()


@pytest.mark.parametrize("kind", ["computing", "answering"])
def test_a_reader_who_hangs_up_has_its_query_cancelled(embedded_store: EmbeddedStore, kind: str) -> None:
    number = "1000000000001" if kind == "computing" else "1000000000002"
    sql = (
        f"SELECT sum(sipHash64(number)) FROM numbers({number})"
        if kind == "computing"
        else f"SELECT * FROM numbers({number})"
    )
    connection = begin(embedded_store, sql)
    until(lambda: running(embedded_store, number) == 1)
    if kind == "answering":
        assert connection.getresponse().read(1_000_000)
    hang_up(connection)
    until(lambda: running(embedded_store, number) == 0)


def test_a_reader_who_hangs_up_in_the_queue_leaves_nothing_behind(embedded_store: EmbeddedStore) -> None:
    busy = [begin(embedded_store, f"SELECT sum(sipHash64(number)) FROM numbers(777000000{n})") for n in range(6)]
    until(lambda: running(embedded_store, "777000000") == 4)
    for connection in busy:
        hang_up(connection)
    until(lambda: running(embedded_store, "777000000") == 0)
    assert ask(embedded_store, "SELECT 1").text == "1\n"


def test_errors_and_answers_side_by_side_never_mix(embedded_store: EmbeddedStore) -> None:
    def one(number: int) -> None:
        if number % 2:
            reply = ask(
                embedded_store, f"SELECT {number}, throwIf(number = 3000) FROM numbers(5000)", {"max_block_size": 100}
            )
            assert reply.code == 395
            assert not reply.text.startswith(str(number))
        else:
            assert ask(embedded_store, f"SELECT {number}").text == f"{number}\n"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(60)))


def test_an_insert_goes_on_beside_reads_that_take_long(embedded_store: EmbeddedStore, empty_database: str) -> None:
    database = urlsplit(empty_database).path[1:]
    embedded_store.run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", database)
    busy = [begin(embedded_store, f"SELECT sum(sipHash64(number)) FROM numbers(555000000{n})") for n in range(6)]
    until(lambda: running(embedded_store, "555000000") == 4)
    started = time.monotonic()
    for _ in range(20):
        embedded_store.run("INSERT INTO t VALUES (1)", database)
    assert time.monotonic() - started < 10
    assert embedded_store.run("SELECT count() FROM t", database) == b"20\n"
    assert running(embedded_store, "555000000") == 4
    for connection in busy:
        hang_up(connection)
    until(lambda: running(embedded_store, "555000000") == 0)


def test_a_sender_who_hangs_up_inserts_nothing(embedded_store: EmbeddedStore, empty_database: str) -> None:
    database = urlsplit(empty_database).path[1:]
    embedded_store.run("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a", database)
    connection = http.client.HTTPConnection("127.0.0.1", embedded_store.port, timeout=30)
    connection.putrequest("POST", f"/?query={quote('INSERT INTO t FORMAT CSV')}&database={database}")
    connection.putheader("X-ClickHouse-User", "roomstate")
    connection.putheader("X-ClickHouse-Key", embedded_store.password)
    connection.putheader("Content-Length", "100000000")
    connection.endheaders()
    connection.send(b"1\n" * 2_000_000)
    spool = embedded_store.data_dir / "store" / "spool"
    until(lambda: any(path.stat().st_size > 1_000_000 for path in spool.iterdir()))
    assert running(embedded_store, "INSERT INTO t") == 0
    hang_up(connection)
    until(lambda: not list(spool.iterdir()))
    assert embedded_store.run("SELECT count() FROM t", database) == b"0\n"


def test_past_the_bound_readers_are_refused_at_once_and_others_still_served(embedded_store: EmbeddedStore) -> None:
    most = 4 + 100
    waiting = [begin(embedded_store, f"SELECT sum(sipHash64(number)) FROM numbers(333000000{n})") for n in range(most)]
    until(lambda: ask(embedded_store, "SELECT 1", {"max_execution_time": 1}).code == 202)
    assert embedded_store.run("SELECT 1") == b"1\n"
    for connection in waiting:
        hang_up(connection)
    until(lambda: ask(embedded_store, "SELECT 1").text == "1\n")
    until(lambda: running(embedded_store, "333000000") == 0)


def test_nothing_is_left_open_after_many_requests(embedded_store: EmbeddedStore) -> None:
    assert embedded_store.process is not None
    open_files = Path(f"/proc/{embedded_store.process.pid}/fd")
    if not open_files.exists():
        pytest.skip("this system does not tell a process's open files")
    ask(embedded_store, "SELECT 1")
    before = len(list(open_files.iterdir()))
    for number in range(50):
        ask(embedded_store, "SELECT 1")
        ask(embedded_store, "SELECT nope")
        ask(embedded_store, "SELECT file('x')")
        ask(embedded_store, "INSERT INTO nope VALUES (1)", writer=True)
        hang_up(begin(embedded_store, f"SELECT * FROM numbers(22200000000{number})"))
    until(lambda: running(embedded_store, "22200000000") == 0)
    until(lambda: len(list(open_files.iterdir())) <= before + 10)


def test_parts_are_merged_in_the_background(embedded_store: EmbeddedStore, empty_database: str) -> None:
    database = urlsplit(empty_database).path[1:]
    embedded_store.run("CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a", database)
    for number in range(40):
        embedded_store.run(f"INSERT INTO t VALUES ({number})", database)
    parts = f"SELECT count() < 30, sum(rows) FROM system.parts WHERE database = '{database}' AND active"
    until(lambda: embedded_store.run(parts) == b"1\t40\n")
