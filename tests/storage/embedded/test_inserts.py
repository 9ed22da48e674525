"""Inserts of data in any format: found by name or by place, whole or not at all, errors always told."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyarrow
import pytest

from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import Reply, ask


class Table:
    """A fresh table and what is in it."""

    def __init__(self, store: EmbeddedStore, database: str) -> None:
        self.store = store
        self.database = database

    def send(self, sql: str | bytes, query: str | None = None, **options: object) -> Reply:
        return ask(self.store, sql, {"database": self.database, **options}, writer=True, query=query)

    def rows(self, sql: str = "SELECT * FROM t ORDER BY ALL") -> list[list[object]]:
        lines = self.store.run(f"{sql} FORMAT JSONCompactEachRow", self.database).splitlines()
        return [json.loads(line) for line in lines]

    @property
    def spooled(self) -> list[str]:
        return [path.name for path in (self.store.data_dir / "store" / "spool").iterdir()]


@pytest.fixture
def table(embedded_store: EmbeddedStore, empty_database: str) -> Iterator[Table]:
    table = Table(embedded_store, urlsplit(empty_database).path[1:])
    table.send(
        "CREATE TABLE t (a Int32, b String DEFAULT concat('d', toString(a)), c Nullable(UInt8), "
        "m Int64 MATERIALIZED a * 2, al Int64 ALIAS a * 3) ENGINE = MergeTree ORDER BY a"
    )
    yield table
    assert table.spooled == []


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1, 'x', 5), (2, 'y', NULL)",
        "insert into t values (1, 'x', 5) , (1 + 1, lower('Y'), null) ;",
        "INSERT INTO t (c, b, a) VALUES (5, 'x', 1), (NULL, 'y', 2)",
        "INSERT INTO TABLE t (* EXCEPT (m)) VALUES (1, 'x', 5), (2, 'y', NULL)",
        "INSERT INTO t(`a`, \"b\",c)VALUES(1,'x',5)(2,'y',NULL)",
        "/* tool */ INSERT INTO t -- why\n FORMAT Values (1, 'x', 5), (2, 'y', NULL)",
        "INSERT INTO t FORMAT CSV\n1,x,5\n2,y,\\N\n",
        "INSERT INTO t (b, a, c) FORMAT CSV\r\nx,1,5\ny,2,\\N\n",
        "INSERT INTO t FORMAT TSV 1\tx\t5\n2\ty\t\\N\n",
        "INSERT INTO t SETTINGS input_format_skip_unknown_fields = 1 FORMAT JSONEachRow\n"
        '{"b": "x", "a": 1, "c": 5, "z": 9}\n{"a": 2, "c": null, "b": "y"}',
        'INSERT INTO t FORMAT JSONCompactEachRow [1, "x", 5] [2, "y", null]',
        "INSERT INTO t FORMAT CSVWithNames\nc,a,b\n5,1,x\n\\N,2,y\n",
        "INSERT INTO t SELECT * FROM values('a Int32, b String, c Nullable(UInt8)', (1, 'x', 5), (2, 'y', NULL))",
        "INSERT INTO t (SELECT 1, 'x', 5 UNION ALL SELECT 2, 'y', NULL)",
        "INSERT INTO t WITH 5 AS five SELECT number, ['', 'x', 'y'][number + 1], if(number = 1, five, NULL) "
        "FROM numbers(1, 2)",
    ],
)
def test_every_way_to_write_an_insert_is_understood(table: Table, sql: str) -> None:
    reply = table.send(sql)
    assert reply.status == 200, reply.text
    assert table.rows() == [[1, "x", 5], [2, "y", None]]
    assert json.loads(reply.headers["x-clickhouse-summary"])["written_rows"] == "2"


def test_columns_left_out_get_their_defaults(table: Table) -> None:
    assert table.send('INSERT INTO t FORMAT JSONEachRow {"a": 3}').status == 200
    assert table.send("INSERT INTO t (a) VALUES (4)").status == 200
    assert table.send('INSERT INTO t (c, b) FORMAT JSONEachRow {"c": 1}').status == 200
    assert table.rows() == [[0, "", 1], [3, "d3", None], [4, "d4", None]]
    assert table.rows("SELECT m, al FROM t ORDER BY a") == [[0, 0], [6, 9], [8, 12]]


@pytest.mark.parametrize(
    "name",
    [
        *("Native", "ArrowStream", "Arrow", "Parquet", "ORC", "Avro", "RowBinary", "RowBinaryWithNamesAndTypes"),
        *("MsgPack", "JSON", "JSONEachRow", "JSONCompactEachRow", "JSONColumns", "BSONEachRow", "CSV", "CSVWithNames"),
        *("TSV", "TSVWithNamesAndTypes", "TSKV", "Values", "CustomSeparated"),
    ],
)
def test_every_format_that_was_read_can_be_inserted_again(table: Table, name: str) -> None:
    table.send("INSERT INTO t SELECT number, toString(number), if(number % 2, NULL, number % 200) FROM numbers(1000)")
    data = ask(table.store, f"SELECT a, b, c FROM {table.database}.t ORDER BY a FORMAT {name}").body
    table.send("CREATE TABLE copy AS t")
    reply = table.send(data, query=f"INSERT INTO copy (a, b, c) FORMAT {name}")
    assert reply.status == 200, reply.text
    assert table.rows("SELECT * FROM copy ORDER BY a") == table.rows("SELECT * FROM t ORDER BY a")


def test_arrow_columns_are_found_by_name(table: Table) -> None:
    data = pyarrow.table({"b": ["x"], "a": pyarrow.array([1], pyarrow.int32())})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    assert table.send(sink.getvalue().to_pybytes(), query="INSERT INTO t FORMAT ArrowStream").status == 200
    assert table.rows() == [[1, "x", None]]


def test_go_inserts_plain_native_whatever_revision_it_names(table: Table) -> None:
    body = ask(table.store, "SELECT toInt32(number) AS a, 'x' AS b FROM numbers(3) FORMAT Native").body
    reply = table.send(body, query="INSERT INTO t (a, b) FORMAT Native", client_protocol_version=54460)
    assert reply.status == 200, reply.text
    assert table.rows("SELECT count(), max(b) FROM t") == [[3, "x"]]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("INSERT INTO nope VALUES (1)", 60),
        ("INSERT INTO t (nope) VALUES (1)", 16),
        ("INSERT INTO t FORMAT Nope 1", 73),
        ("INSERT INTO t FORMAT CSV\nx,y,z\n", 27),
        ("INSERT INTO t FORMAT Vertical 1", 85),
        ("INSERT INTO t FORMAT JSONEachRow {", 33),
        ("INSERT INTO t VALUES (1, 'x', 5), (", 32),
        ("INSERT INTO t SETTINGS no_such_setting = 1 VALUES (1, 'x', 5)", 115),
        ("INSERT INTO t SELECT throwIf(1), 'x', 5", 395),
    ],
)
def test_a_bad_insert_is_told_and_leaves_nothing(table: Table, sql: str, code: int) -> None:
    reply = table.send(sql)
    assert reply.status >= 400
    assert reply.code == code, reply.text
    assert "spool" not in reply.text
    assert table.rows() == []


def test_a_refusal_of_a_materialized_view_reaches_the_client_and_nothing_is_stored(table: Table) -> None:
    table.send("CREATE TABLE landing (a Int32) ENGINE = Null")
    table.send("CREATE MATERIALIZED VIEW gate TO t AS SELECT a FROM landing WHERE throwIf(a = 7, 'no sevens') = 0")
    assert table.send("INSERT INTO landing VALUES (1), (2)").status == 200
    for body in ("INSERT INTO landing VALUES (3), (7)", "INSERT INTO landing FORMAT CSV\n3\n7\n"):
        reply = table.send(body)
        assert (reply.code, reply.status) == (395, 500)
        assert "no sevens" in reply.text
    assert table.rows("SELECT a FROM t ORDER BY a") == [[1], [2]]


def test_a_table_that_changed_is_seen_as_it_is_now(table: Table) -> None:
    assert table.send('INSERT INTO t FORMAT JSONEachRow {"a": 1}').status == 200
    assert table.send("ALTER TABLE t ADD COLUMN z String DEFAULT 'new'").status == 200
    assert table.send('INSERT INTO t FORMAT JSONEachRow {"a": 2, "z": "given"}').status == 200
    assert table.rows("SELECT a, z FROM t ORDER BY a") == [[1, "new"], [2, "given"]]


def test_an_empty_insert_stores_nothing(table: Table) -> None:
    for name in ("Native", "JSONEachRow", "CSV", "Values"):
        reply = table.send(b"", query=f"INSERT INTO t FORMAT {name}")
        assert reply.status == 200, (name, reply.text)
    assert table.rows() == []


def test_a_large_body_in_chunks_is_one_part(table: Table) -> None:
    lines = [b'{"a": %d, "b": "%s"}\n' % (number, b"x" * 50) for number in range(100_000)]
    whole = {"min_insert_block_size_rows": 1_000_000, "max_insert_block_size": 1_000_000, "max_insert_threads": 1}
    whole |= {"min_insert_block_size_bytes": 1 << 40, "async_insert": 1, "wait_for_async_insert": 1}
    reply = table.send(b"".join(lines), query="INSERT INTO t FORMAT JSONEachRow", **whole)
    assert reply.status == 200, reply.text
    assert table.rows("SELECT count() FROM t") == [[100_000]]
    parts = f"SELECT max(level), sum(rows) FROM system.parts WHERE database = '{table.database}' AND active"
    assert table.rows(parts) == [[0, 100_000]]


def test_an_insert_into_a_function_goes_where_it_says(table: Table) -> None:
    assert table.send("INSERT INTO FUNCTION null('x UInt8') VALUES (1)").status == 200
