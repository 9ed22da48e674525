"""The reading user: what it may not do, each way that was thought of, and what it must be able to do."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import ask

DENIED, READONLY, OUTFILE, BOUNDS = 497, 164, 358, 452

ATTACKS = [
    # files
    ("SELECT file('/etc/passwd')", DENIED),
    ("SELECT FILE('/etc/passwd')", DENIED),
    ("SELECT `file`('/etc/passwd')", DENIED),
    ("SELECT * FROM file('/etc/passwd', 'LineAsString')", DENIED),
    ("SELECT * FROM `file`('/etc/passwd', 'LineAsString')", DENIED),
    ("SELECT * FROM '/etc/passwd'", DENIED),
    ("SELECT * FROM `/etc/passwd`", DENIED),
    ("SELECT * FROM default.`/etc/passwd`", DENIED),
    ("SELECT 1 IN `/etc/passwd`", DENIED),
    ("SELECT 1 WHERE 'x' NOT IN (`/etc/passwd`)", DENIED),
    ("DESCRIBE file('/etc/passwd', 'LineAsString')", DENIED),
    ("DESCRIBE TABLE `/etc/passwd`", DENIED),
    ("SHOW CREATE TABLE `/etc/passwd`", DENIED),
    ("EXISTS TABLE `/etc/passwd`", DENIED),
    ("SELECT arrayMap(x -> file(x), ['/etc/passwd'])", DENIED),
    ("SELECT * APPLY (x -> file(x)) FROM (SELECT '/etc/passwd')", DENIED),
    ("SELECT * APPLY file FROM (SELECT '/etc/passwd')", DENIED),
    ("SELECT COLUMNS('x') APPLY(file) FROM (SELECT '/etc/passwd' AS x)", DENIED),
    ("SELECT * REPLACE (file(x) AS x) FROM (SELECT '/etc/passwd' AS x)", DENIED),
    ("WITH file('/etc/passwd') AS x SELECT x", DENIED),
    ("WITH x AS (SELECT file('/etc/passwd')) SELECT * FROM x", DENIED),
    ("SELECT * FROM view(SELECT file('/etc/passwd'))", DENIED),
    ("SELECT (SELECT file('/etc/passwd'))", DENIED),
    ("SELECT 1 ORDER BY file('/etc/passwd')", DENIED),
    ("SELECT sum(1) OVER (PARTITION BY file('/etc/passwd'))", DENIED),
    ("SELECT 1 UNION ALL SELECT file('/etc/passwd')", DENIED),
    ("SELECT 1 LIMIT length(file('/etc/passwd'))", DENIED),
    ("EXPLAIN SELECT file('/etc/passwd')", DENIED),
    ("EXPLAIN SYNTAX SELECT * FROM file('/etc/passwd')", DENIED),
    ("EXPLAIN ESTIMATE SELECT * FROM url('http://127.0.0.1')", DENIED),
    ("SHOW TABLES WHERE name IN (SELECT file('/etc/passwd'))", DENIED),
    ("SHOW COLUMNS FROM one FROM system WHERE file('/etc/passwd') = ''", DENIED),
    ("SELECT/**/file/**/('/etc/passwd')", DENIED),
    ("SELECT 1 -- \n, file('/etc/passwd')", DENIED),
    ("SELECT $x$'$x$, file('/etc/passwd')", DENIED),
    ("SELECT 'a\\' , file(', file('/etc/passwd')", DENIED),
    ("SELECT 'a'' , ', file('/etc/passwd')", DENIED),
    # the network and other programs
    ("SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", DENIED),
    ("SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV')", DENIED),
    ("SELECT * FROM `s3`('http://127.0.0.1:1/b/k', 'CSV')", DENIED),
    ("SELECT * FROM S3('http://127.0.0.1:1/b/k', 'CSV')", DENIED),
    ("SELECT * FROM remote('127.0.0.1', system.one)", DENIED),
    ("SELECT * FROM remoteSecure('127.0.0.1', system.one)", DENIED),
    ("SELECT * FROM cluster('default', system.one)", DENIED),
    ("SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')", DENIED),
    ("SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')", DENIED),
    ("SELECT * FROM sqlite('/tmp/x.db', 't')", DENIED),
    ("SELECT * FROM executable('id', 'TSV', 'a String')", DENIED),
    ("SELECT * FROM dictionary('d')", DENIED),
    ("SELECT dictGet('d', 'a', 1)", DENIED),
    ("SELECT * FROM Python('os')", DENIED),
    ("SELECT * FROM python(os)", DENIED),
    ("SELECT * FROM eval('SELECT 1')", DENIED),
    ("SELECT * FROM input('a String')", DENIED),
    ("SELECT * FROM fileCluster('c', '/etc/passwd')", DENIED),
    ("SELECT * FROM filesystem('/etc')", DENIED),
    ("SELECT hasColumnInTable('127.0.0.1', 'd', 't', 'c')", DENIED),
    ("SELECT 1 WHERE 1 IN url('http://127.0.0.1:1/', 'CSV', 'a UInt8')", DENIED),
    ("SELECT aiGenerate('x')", DENIED),
    ("SELECT addressToLine(1)", DENIED),
    ("SELECT getMacro('x')", DENIED),
    ("SELECT * FROM loop(system.one)", DENIED),
    ("SELECT * FROM viewExplain('EXPLAIN', '', (SELECT file('/etc/passwd')))", DENIED),
    ("SELECT * FROM merge('system', 'stack_trace')", DENIED),
    ("SELECT * FROM merge(lower('SYSTEM'), '.*')", DENIED),
    ("SELECT * FROM merge(REGEXP('.*'), '.*')", DENIED),
    ("SELECT * FROM system.stack_trace", DENIED),
    ("SELECT * FROM `system`.`symbols`", DENIED),
    ("SELECT * FROM system.server_settings", DENIED),
    ("SELECT * FROM system.named_collections", DENIED),
    ("DESCRIBE system.stack_trace", DENIED),
    # writing, and everything that is no query
    ("INSERT INTO FUNCTION file('/tmp/x', 'CSV') SELECT 1", READONLY),
    ("INSERT INTO t VALUES (1)", READONLY),
    ("INSERT INTO t FORMAT CSV\n1", READONLY),
    ("WITH 1 AS x INSERT INTO t SELECT x", READONLY),
    ("EXPLAIN PIPELINE INSERT INTO system.one SELECT 1", READONLY),
    ("CREATE TABLE x (a UInt8) ENGINE = Memory", READONLY),
    ("CREATE TEMPORARY TABLE x (a UInt8)", READONLY),
    ("CREATE FUNCTION f AS x -> x", READONLY),
    ("CREATE USER u", READONLY),
    ("DROP DATABASE default", READONLY),
    ("ALTER TABLE t DELETE WHERE 1", READONLY),
    ("TRUNCATE TABLE t", READONLY),
    ("OPTIMIZE TABLE t", READONLY),
    ("RENAME TABLE a TO b", READONLY),
    ("KILL QUERY WHERE 1", READONLY),
    ("SYSTEM STOP MERGES", READONLY),
    ("SYSTEM SHUTDOWN", READONLY),
    ("SET max_threads = 1", READONLY),
    ("USE system", READONLY),
    ("BACKUP TABLE t TO File('/tmp/b')", READONLY),
    ("ATTACH TABLE t FROM '/tmp' (a UInt8) ENGINE = Memory", READONLY),
    ("GRANT ALL ON *.* TO analyst", READONLY),
    ("CHECK TABLE t", READONLY),
    ("EXECUTE AS default SELECT 1", READONLY),
    ("BEGIN TRANSACTION", READONLY),
    ("SHOW ACCESS", READONLY),
    ("SELECT 1 PARALLEL WITH SELECT 2", READONLY),
    ("SELECT 1 PARALLEL WITH DROP TABLE t", READONLY),
    ("SELECT 1 INTO OUTFILE '/tmp/x'", OUTFILE),
    ("SELECT 1 into/**/outfile '/tmp/x' TRUNCATE FORMAT CSV", OUTFILE),
    ("SELECT 1 INTO OUTFILE '/dev/fd/0' APPEND", OUTFILE),
    ("SELECT \u2018a FORMAT TSV SETTINGS b\u2019, file('/etc/passwd')", DENIED),
    ("SELECT 1; SELECT 2", 62),
    ("SELECT 1; DROP DATABASE default", 62),
    ("", 62),
    # settings
    ("SELECT 1 SETTINGS readonly = 0", READONLY),
    ("SELECT 1 SETTINGS allow_ddl", READONLY),
    ("SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", READONLY),
    ("SELECT 1 FORMAT TSV SETTINGS readonly = 0", READONLY),
    ("SELECT 1 SETTINGS max_threads = 1, readonly = 0", READONLY),
    ("SELECT 1 SETTINGS `readonly` = 0", READONLY),
    ("SELECT 1 SETTINGS max_execution_time = 0", BOUNDS),
    ("SELECT 1 SETTINGS max_execution_time = 100000", BOUNDS),
    ("SELECT 1 SETTINGS max_memory_usage = 0", BOUNDS),
    ("SELECT 1 SETTINGS max_result_bytes = 100000000000000", BOUNDS),
    ("SELECT 1 SETTINGS format_schema = '/etc/passwd'", READONLY),
    ("SELECT 1 SETTINGS format_template_row = '/etc/passwd'", READONLY),
    ("SELECT 1 SETTINGS input_format_record_errors_file_path = 'x'", READONLY),
    ("SELECT 1 SETTINGS rename_files_after_processing = 'x'", READONLY),
    ("SELECT 1 SETTINGS additional_result_filter = 'file(1)'", READONLY),
    ("SELECT 1 SETTINGS additional_table_filters = {'t': 'file(1)'}", READONLY),
    ("SELECT 1 SETTINGS dialect = 'prql'", READONLY),
    ("SELECT 1 SETTINGS profile = 'default'", READONLY),
]


@pytest.mark.parametrize(("sql", "code"), ATTACKS)
def test_what_the_reading_user_must_not_do_is_refused(embedded_store: EmbeddedStore, sql: str, code: int) -> None:
    reply = ask(embedded_store, sql)
    assert reply.code == code, reply.text
    assert "root:" not in reply.text


SETTINGS = [
    ("readonly", "0", READONLY),
    ("allow_introspection_functions", "1", READONLY),
    ("format_schema", "/etc/passwd", READONLY),
    ("additional_table_filters", "{'t': 'file(1)'}", READONLY),
    ("dialect", "prql", READONLY),
    ("max_memory_usage_for_user", "1", READONLY),
    ("max_temporary_data_on_disk_size_for_query", "0", READONLY),
    ("format_display_secrets_in_show_and_select", "1", READONLY),
    ("no_such_setting", "1", READONLY),
    ("a = 1, readonly", "0", READONLY),
]


@pytest.mark.parametrize(("name", "value", "code"), SETTINGS)
def test_a_setting_in_the_url_that_is_not_for_reading_is_refused(
    embedded_store: EmbeddedStore, name: str, value: str, code: int
) -> None:
    assert ask(embedded_store, "SELECT 1", {name: value}).code == code


def test_parameters_cannot_smuggle_a_table_in(embedded_store: EmbeddedStore) -> None:
    for name in ("/etc/passwd", "system.stack_trace"):
        reply = ask(embedded_store, "SELECT * FROM {t:Identifier}", {"param_t": name})
        assert reply.code == DENIED, reply.text
    assert ask(embedded_store, "SELECT {t:Identifier} FROM system.one", {"param_t": "dummy"}).text == "0\n"


def test_the_database_of_the_request_cannot_smuggle_a_system_table_in(embedded_store: EmbeddedStore) -> None:
    assert ask(embedded_store, "SELECT * FROM stack_trace", {"database": "system"}).code == DENIED
    assert ask(embedded_store, "SELECT * FROM merge('stack_trace')", {"database": "system"}).code == DENIED
    assert ask(embedded_store, "WITH x AS (SELECT 1) SELECT * FROM x, one", {"database": "system"}).text == "1\t0\n"


def test_an_outfile_is_refused_to_the_writing_user_too(embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert ask(embedded_store, f"SELECT 1 INTO OUTFILE '{path}'", writer=True).code == OUTFILE
    assert not path.exists()


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


def test_the_reading_user_may_tighten_its_limits(embedded_store: EmbeddedStore) -> None:
    reply = ask(
        embedded_store, "SELECT sleepEachRow(1) FROM numbers(100)", {"max_execution_time": 1, "max_block_size": 1}
    )
    assert (reply.code, reply.status) == (159, 504)
    assert ask(embedded_store, "SELECT * FROM numbers(1000)", {"max_result_bytes": 100}).code == 396
    reply = ask(embedded_store, "SELECT groupArray(number) FROM numbers(10000000)", {"max_memory_usage": 1000000})
    assert reply.code == 241


def test_a_function_that_the_writing_user_made_may_be_used(embedded_store: EmbeddedStore) -> None:
    embedded_store.run("CREATE OR REPLACE FUNCTION twice AS x -> 2 * x")
    assert ask(embedded_store, "SELECT twice(2)").text == "4\n"
    embedded_store.run("DROP FUNCTION twice")


def test_only_right_credentials_are_taken(embedded_store: EmbeddedStore) -> None:
    for headers in (
        {"X-ClickHouse-User": "roomstate", "X-ClickHouse-Key": "wrong"},
        {"X-ClickHouse-User": "nobody"},
        {"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": "something"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !"},
    ):
        reply = ask(embedded_store, "SELECT 1", headers=headers)
        assert (reply.status, reply.code) == (403, 516)
        assert embedded_store.password not in reply.text
    assert ask(embedded_store, "SELECT 1", {"user": "roomstate", "password": embedded_store.password}).text == "1\n"
    assert ask(embedded_store, "SELECT 1", {"user": "default", "password": ""}).text == "1\n"


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
