"""The reading user: what it must not do, each way that was thought of."""

from pathlib import Path

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
