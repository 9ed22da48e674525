"""The reading user: what it must be able to do."""

from urllib.parse import urlsplit

import pytest

from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import ask

ALLOWED = [
    ("SELECT 1", "1\n"),
    ("select 1 ;", "1\n"),
    ("/* from a tool */ SELECT 1 -- done", "1\n"),
    ("SELECT 1 FORMAT CSV", "1\n"),
    ("SELECT 'it''s', \"x\" FROM (SELECT 2 AS x)", "it\\'s\t2\n"),
    ("(SELECT 1) UNION ALL (SELECT 1)", "1\n1\n"),
    ("WITH x AS (SELECT 3 AS a) SELECT a FROM x", "3\n"),
    ("FROM numbers(2) SELECT number", "0\n1\n"),
    ("SELECT * FROM numbers(1) SETTINGS max_threads = 1", "0\n"),
    ("SELECT * FROM numbers(1) FORMAT TSV SETTINGS max_threads = 1, extremes = 0", "0\n"),
    ("SELECT number FROM numbers(3) WHERE number IN (SELECT 1)", "1\n"),
    ("SELECT sumIf(number, number > 1), uniqExact(number), quantilesTDigestIf(0.5)(number, 1) FROM numbers(3)", None),
    ("SELECT countIf(1), argMax(1, 2), groupArrayIf(number, 1), sumMap([1], [2]) FROM numbers(2)", None),
    ("SELECT toStartOfMinute(now()), formatDateTime(now(), '%F'), dateDiff('second', now(), now())", None),
    ("SELECT CAST(1 AS String), 1::Int8, [1][1], (1, 2).1, -1, 1 BETWEEN 0 AND 2, CASE WHEN 1 THEN 2 END", None),
    ("SELECT row_number() OVER (ORDER BY number), lagInFrame(number) OVER () FROM numbers(3)", None),
    ("SELECT arrayMap(x -> x + 1, [1]), mapFromArrays(['a'], [1]), JSONExtractString('{}', 'a')", None),
    ("SELECT * EXCEPT (number) APPLY toString, number FROM numbers(1)", "0\n"),
    ("SELECT COLUMNS('n') APPLY(sum) FROM numbers(3)", "3\n"),
    ("SELECT exists(SELECT 1), 1 IN (1, 2), 1 GLOBAL NOT IN (2)", None),
    ("SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM 0 TO 3 INTERPOLATE", None),
    ("SELECT number % 2 AS a, count() FROM numbers(4) GROUP BY ROLLUP (a) HAVING 1 ORDER BY ALL LIMIT 1 BY a", None),
    ("SELECT number, count() FROM numbers(4) GROUP BY GROUPING SETS ((number), ()) QUALIFY 1", None),
    ("SELECT a.x FROM (SELECT 1 AS x) AS a ANY LEFT JOIN (SELECT 1 AS x) AS b USING (x) ARRAY JOIN [1] AS c", "1\n"),
    ("SELECT * FROM values('a UInt8', 1) AS a JOIN generateSeries(1, 1) AS b ON 1", None),
    ("SELECT * FROM format(JSONEachRow, '{\"a\": 1}')", "1\n"),
    ("SELECT settings, format FROM (SELECT 1 AS settings, 2 AS format)", "1\t2\n"),
    ("SELECT s.settings FROM (SELECT 1 AS settings) AS s", "1\n"),
    ("EXPLAIN SELECT 1", None),
    ("EXPLAIN indexes = 1 SELECT 1", None),
    ("explain ast SELECT sum(1)", None),
    ("DESCRIBE system.one", "dummy\tUInt8\t\t\t\t\t\n"),
    ("DESCRIBE (SELECT 1 AS a)", None),
    ("SHOW DATABASES", None),
    ("SHOW TABLES FROM system LIKE 'one'", "one\n"),
    ("SHOW CREATE DATABASE system", None),
    ("SHOW PROCESSLIST", None),
    ("SHOW FUNCTIONS LIKE 'sum'", None),
    ("EXISTS TABLE system.one", "1\n"),
    ("SELECT count() > 0 FROM system.tables", "1\n"),
    ("SELECT count() > 0 FROM system.columns WHERE database = 'system'", "1\n"),
    ("SELECT name, value, readonly FROM system.settings LIMIT 1", None),
    ("SELECT count() > 0 FROM information_schema.tables", "1\n"),
    ("SELECT version(), timezone(), currentDatabase(), currentUser(), hostName()", None),
    ("SELECT sum(bytes_on_disk) >= 0 FROM system.parts", "1\n"),
    ("SELECT count() FROM system.processes", "1\n"),
]


@pytest.mark.parametrize(("sql", "text"), ALLOWED)
def test_what_the_reading_user_needs_works(embedded_store: EmbeddedStore, sql: str, text: str | None) -> None:
    reply = ask(embedded_store, sql)
    assert reply.status == 200, reply.text
    assert text is None or reply.text == text


def test_settings_that_clients_send_are_accepted(embedded_store: EmbeddedStore) -> None:
    sent = {
        "session_id": "s",
        "query_id": "q",
        "wait_end_of_query": "1",
        "send_progress_in_http_headers": "1",
        "cancel_http_readonly_queries_on_client_close": "1",
        "date_time_input_format": "best_effort",
        "cast_string_to_dynamic_use_inference": "1",
        "async_insert": "1",
        "wait_for_async_insert": "1",
        "log_comment": "mine",
        "readonly": "2",
        "max_execution_time": "3000000",
        "output_format_json_quote_64bit_integers": "0",
        "http_write_exception_in_output_format": "0",
    }
    reply = ask(embedded_store, "SELECT getSetting('max_execution_time') FORMAT TSV", sent)
    assert reply.text == "60\n"
    assert reply.headers["x-clickhouse-query-id"] == "q"
    assert reply.headers["x-roomstate-narrowed"] == "max_execution_time=60"


def test_the_reading_user_may_tighten_its_limits(embedded_store: EmbeddedStore) -> None:
    reply = ask(
        embedded_store, "SELECT sleepEachRow(1) FROM numbers(100)", {"max_execution_time": 1, "max_block_size": 1}
    )
    assert (reply.code, reply.status) == (159, 504)
    assert ask(embedded_store, "SELECT * FROM numbers(1000)", {"max_result_bytes": 100}).code == 396
    reply = ask(embedded_store, "SELECT groupArray(number) FROM numbers(10000000)", {"max_memory_usage": 1000000})
    assert reply.code == 241
    assert "x-roomstate-narrowed" not in reply.headers


def test_a_function_that_the_writing_user_made_may_be_used(embedded_store: EmbeddedStore) -> None:
    embedded_store.run("CREATE OR REPLACE FUNCTION twice AS x -> 2 * x")
    assert ask(embedded_store, "SELECT twice(2)").text == "4\n"
    embedded_store.run("DROP FUNCTION twice")


def test_the_reading_user_sees_tables_and_their_rows(embedded_store: EmbeddedStore, empty_database: str) -> None:
    database = urlsplit(empty_database).path[1:]
    embedded_store.run("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", database)
    embedded_store.run("CREATE VIEW v AS SELECT a + 1 AS b FROM t", database)
    embedded_store.run("INSERT INTO t VALUES (1)", database)
    there = {"database": database}
    assert ask(embedded_store, "SELECT * FROM t, v", there).text == "1\t2\n"
    assert ask(embedded_store, f"SELECT * FROM {database}.t FINAL").code == 181
    assert ask(embedded_store, "SELECT * FROM merge('t')", there).text == "1\n"
    assert ask(embedded_store, f"SELECT * FROM merge('{database}', 't')").text == "1\n"
    assert "MergeTree" in ask(embedded_store, "SHOW CREATE TABLE t", there).text
    assert ask(embedded_store, "SHOW TABLES", there).text == "t\nv\n"
    assert ask(embedded_store, "DESCRIBE t", there).text.startswith("a\tUInt8")
    assert ask(embedded_store, "EXPLAIN ESTIMATE SELECT * FROM t", there).status == 200
