"""The project's one client, unmodified, against the embedded store."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import clickhouse_connect
import pyarrow
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.fixtures_store import EmbeddedStore


def client_of(url: str, **options: Any) -> Client:
    parts = urlsplit(url)
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=parts.port or 0,
        username=parts.username,
        password=parts.password or "",
        database=parts.path.strip("/"),
        **options,
    )


@pytest.fixture(params=[False, "lz4", "zstd", "br", "gzip"])
def client(request: pytest.FixtureRequest, empty_database: str) -> Iterator[Client]:
    client = client_of(empty_database, compress=request.param)
    client.command("CREATE TABLE t (a Int32, b String DEFAULT concat('d', toString(a))) ENGINE = MergeTree ORDER BY a")
    yield client
    client.close()


def test_columns_rows_and_arrow_go_in_and_come_out(client: Client) -> None:
    client.insert("t", [[1, "x"], [2, "y"]], column_names=["a", "b"])
    client.insert("t", [[3, 4], ["z", "z"]], column_names=["a", "b"], column_oriented=True)
    client.insert("t", [[5]], column_names=["a"])
    summary = client.insert_arrow("t", pyarrow.table({"b": ["q"], "a": pyarrow.array([6], pyarrow.int32())}))
    assert summary.written_rows == 1
    expected = [(1, "x"), (2, "y"), (3, "z"), (4, "z"), (5, "d5"), (6, "q")]
    assert client.query("SELECT a, b FROM t ORDER BY a").result_rows == expected
    assert client.query_df("SELECT a FROM t ORDER BY a")["a"].tolist() == [1, 2, 3, 4, 5, 6]
    assert client.query_arrow("SELECT a FROM t ORDER BY a").column("a").to_pylist() == [1, 2, 3, 4, 5, 6]


def test_a_large_answer_comes_whole_and_in_blocks(client: Client) -> None:
    count = 300_000
    result = client.query("SELECT number, toString(number) FROM numbers({n:UInt64})", parameters={"n": count})
    assert result.row_count == count
    assert result.result_rows[-1] == (count - 1, str(count - 1))
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as stream:
        assert sum(row[0] for block in stream for row in block) == count * (count - 1) // 2


@pytest.mark.parametrize(("sql", "code"), [("SELECT * FROM nope", 60), ("SELECT * FROM n.o", 81), ("SELECT (", 62)])
def test_an_error_has_clickhouses_code_and_name(client: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError, match=rf"Code: {code}\. DB::Exception: .*\([A-Z_]+\)"):
        client.query(sql)


def test_an_error_in_the_middle_of_an_answer_is_an_error_and_never_rows(client: Client) -> None:
    sql = "SELECT throwIf(number = 400000) FROM numbers(500000)"
    with pytest.raises(ClickHouseError, match="395"):
        client.query(sql)
    with pytest.raises(ClickHouseError, match="395"), client.query_row_block_stream(sql) as stream:
        for _ in stream:
            pass
    assert client.query("SELECT 7").result_rows == [(7,)]


def test_parameters_of_every_kind_arrive(client: Client) -> None:
    text = "it's a \\ \t tab\nand {more}"
    row = client.query(
        "SELECT {s:String}, {a:Array(String)}, {n:Nullable(Int8)}, {t:DateTime64(3, 'UTC')}, {d:Decimal(9, 2)}, "
        "{b:Bool}",
        parameters={
            "s": text,
            "a": ["x", "y'z"],
            "n": None,
            "t": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
            "d": Decimal("1.25"),
            "b": True,
        },
    ).result_rows[0]
    assert row[:3] == (text, ["x", "y'z"], None)
    assert row[3].isoformat().startswith("2026-01-02T03:04:05.678")
    assert row[4:] == (Decimal("1.25"), True)


def test_parameters_too_long_for_a_url_arrive(client: Client) -> None:
    wanted = list(range(40_000))
    sql = "SELECT length({a:Array(UInt32)})"
    assert client.query(sql, parameters={"a": wanted}).result_rows == [(len(wanted),)]


def test_every_type_survives_the_way_in_and_out(empty_database: str) -> None:
    client = client_of(empty_database)
    client.command(
        "CREATE TABLE k (e Enum8('a' = 1), l LowCardinality(String), n Nullable(UInt64), m Map(String, Array(UInt8)), "
        "t Tuple(x Int8, y String), d DateTime64(3, 'UTC'), u UUID, f Float64, i IPv4, z FixedString(3)) "
        "ENGINE = MergeTree ORDER BY e"
    )
    moment = datetime(2026, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
    row = ("a", "low", None, {"k": [1, 2]}, (1, "y"), moment, UUID(int=5), 1.5, "1.2.3.4", b"abc")
    client.insert("k", [row], column_names="*")
    found = client.query("SELECT * FROM k").result_rows[0]
    assert found[:4] == row[:4]
    assert (found[4]["x"], found[4]["y"]) == (1, "y")
    assert found[6:8] == row[6:8]
    assert client.query("SELECT toUnixTimestamp64Milli(d) FROM k").result_rows == [(int(moment.timestamp() * 1000),)]
    client.close()


def test_external_data_is_a_table_for_one_query(embedded_store: EmbeddedStore, empty_database: str) -> None:
    data = ExternalData(file_name="ext", fmt="CSV", structure=["a UInt8", "b String"], data=b"1,x\n2,y\n")
    for url in (empty_database, embedded_store.analyst_url()):
        client = client_of(url)
        rows = client.query("SELECT sum(a), max(b) FROM ext", external_data=data).result_rows
        assert rows == [(3, "y")]
        with pytest.raises(DatabaseError, match="Code: 60"):
            client.query("SELECT * FROM ext")
        client.close()


def test_a_reading_client_reads_and_cannot_write(embedded_store: EmbeddedStore, empty_database: str) -> None:
    embedded_store.run(f"CREATE TABLE {urlsplit(empty_database).path[1:]}.r (a UInt8) ENGINE = MergeTree ORDER BY a")
    client = client_of(embedded_store.analyst_url(urlsplit(empty_database).path[1:]))
    assert client.query("SELECT count() FROM r").result_rows == [(0,)]
    with pytest.raises(DatabaseError, match="Code: 164"):
        client.insert("r", [[1]], column_names=["a"])
    with pytest.raises(DatabaseError, match="Code: 164"):
        client.command("DROP TABLE r")
    client.close()


def test_set_and_use_do_not_stick(empty_database: str) -> None:
    client = client_of(empty_database)
    before = client.query("SELECT currentDatabase(), getSetting('max_block_size')").result_rows
    client.command("USE system")
    client.command("SET max_block_size = 7")
    assert client.query("SELECT currentDatabase(), getSetting('max_block_size')").result_rows == before
    client.close()
