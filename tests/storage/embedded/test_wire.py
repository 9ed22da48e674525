"""Requests of each client as they stand in store_door, answered as ClickHouse answers them."""

import gzip
import json
import zlib

import brotli  # type: ignore[import-untyped]
import httpx
import lz4.frame
import pytest
import zstandard

from storage.embedded.block_frames import FrameDecoder, FrameEncoder
from storage.embedded.native_frames import NativeReframer
from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import ask

PLAIN = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "br": brotli.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}
PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
}


def test_it_is_alive(embedded_store: EmbeddedStore) -> None:
    with httpx.Client(base_url=embedded_store.base_url) as client:
        for path in ("/ping", "/replicas_status", "/"):
            reply = client.get(path)
            assert (reply.status_code, reply.text) == (200, "Ok.\n")
        assert client.head("/ping").status_code == 200
        assert client.get("/nothing").status_code == 404
        assert client.request("DELETE", "/").status_code == 404


def test_the_statement_may_stand_in_the_url_the_body_or_both(embedded_store: EmbeddedStore) -> None:
    assert ask(embedded_store, "SELECT 1").text == "1\n"
    assert ask(embedded_store, "", query="SELECT 1", method="GET").text == "1\n"
    assert ask(embedded_store, "", query="SELECT 1").text == "1\n"
    assert ask(embedded_store, "1", query="SELECT").text == "1\n"
    assert ask(embedded_store, "ECT 1", query="SEL").code == 62


def test_get_only_reads(embedded_store: EmbeddedStore) -> None:
    reply = ask(embedded_store, "", query="CREATE DATABASE x", method="GET", writer=True)
    assert reply.code == 164
    assert ask(embedded_store, "", query="SELECT 1", method="HEAD").status == 200


def test_a_body_in_chunks_is_read(embedded_store: EmbeddedStore) -> None:
    with httpx.Client() as client:
        reply = client.post(embedded_store.base_url, content=iter([b"SEL", b"ECT ", b"1 FORMAT", b" CSV"]))
    assert reply.text == "1\n"


def test_headers_tell_what_clients_look_for(embedded_store: EmbeddedStore) -> None:
    reply = ask(embedded_store, "SELECT number FROM numbers(5) FORMAT JSON", {"query_id": "my-query"})
    assert reply.headers["x-clickhouse-query-id"] == "my-query"
    assert reply.headers["x-clickhouse-format"] == "JSON"
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    assert reply.headers["x-clickhouse-timezone"]
    assert reply.headers["x-clickhouse-server-display-name"]
    summary = json.loads(reply.headers["x-clickhouse-summary"])
    assert (summary["result_rows"], summary["read_rows"]) == ("5", "5")
    assert (
        ask(embedded_store, "SELECT 1", {"session_timezone": "Asia/Tokyo"}).headers["x-clickhouse-timezone"]
        == "Asia/Tokyo"
    )


def test_a_value_of_the_client_cannot_add_a_header(embedded_store: EmbeddedStore) -> None:
    reply = ask(embedded_store, "SELECT 1", {"query_id": "a\r\nX-Evil: 1 \N{SNOWMAN}"})
    assert reply.status == 200
    assert "x-evil" not in reply.headers
    assert reply.headers["x-clickhouse-query-id"] == "a??X-Evil: 1 ?"


def test_a_statement_of_a_reader_has_a_bound(embedded_store: EmbeddedStore) -> None:
    assert ask(embedded_store, "SELECT '" + "x" * 200_000 + "' FORMAT Null").status == 200
    reply = ask(embedded_store, "SELECT '" + "x" * 1_000_000 + "'")
    assert (reply.status, reply.code) == (413, 223)


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT (1", 400, 62),
        ("SELECT 1 SETTINGS", 400, 62),
        ("SELECT formatQuery('(')", 400, 62),
        ("SELECT * FROM nope", 404, 60),
        ("SELECT * FROM no.nope", 404, 81),
        ("SELECT nope", 404, 47),
        ("SELECT nope()", 404, 46),
        ("SELECT 1 FORMAT Nope", 404, 73),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT toInt8('x')", 400, 6),
        ("SELECT 1; SELECT 2", 400, 62),
    ],
)
def test_errors_have_clickhouses_status_and_text(
    embedded_store: EmbeddedStore, sql: str, status: int, code: int
) -> None:
    reply = ask(embedded_store, sql, writer=True)
    assert (reply.status, reply.code) == (status, code), reply.text
    assert reply.text.startswith(f"Code: {code}. DB::Exception: ")
    assert reply.text.count("DB::Exception") == 1
    assert "OUTFILE" not in reply.text
    assert reply.headers["content-type"].startswith("text/plain")


def test_node_asks_for_gzip_and_for_json(embedded_store: EmbeddedStore) -> None:
    reply = ask(
        embedded_store,
        "SELECT number FROM numbers(3)\nFORMAT JSONEachRow",
        {"enable_http_compression": 1, "query_id": "n"},
        headers={"Accept-Encoding": "gzip", "Authorization": "Basic ZGVmYXVsdDo="},
    )
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == b'{"number":0}\n{"number":1}\n{"number":2}\n'


@pytest.mark.parametrize("coding", PLAIN)
def test_answers_of_any_size_are_encoded_as_asked(embedded_store: EmbeddedStore, coding: str) -> None:
    for rows in (1, 200_000):
        reply = ask(
            embedded_store,
            f"SELECT number FROM numbers({rows})",
            {"enable_http_compression": 1},
            headers={"Accept-Encoding": f"sdch;q=1, {coding}"},
        )
        assert reply.headers["content-encoding"] == coding
        assert PLAIN[coding](reply.body) == b"".join(b"%d\n" % number for number in range(rows))


@pytest.mark.parametrize("coding", PACKED)
def test_bodies_may_be_encoded(embedded_store: EmbeddedStore, coding: str) -> None:
    assert ask(embedded_store, PACKED[coding](b"SELECT 5"), headers={"Content-Encoding": coding}).text == "5\n"
    assert ask(embedded_store, PACKED[coding](b"SELECT 5")[:-3], headers={"Content-Encoding": coding}).code == 271
    assert ask(embedded_store, b"SELECT 5 and more", headers={"Content-Encoding": coding}).code == 271


def test_an_unknown_coding_is_refused_and_an_unwanted_one_not_used(embedded_store: EmbeddedStore) -> None:
    assert ask(embedded_store, "SELECT 1", headers={"Content-Encoding": "rot13"}).code == 48
    reply = ask(
        embedded_store, "SELECT 1", {"enable_http_compression": 1}, headers={"Accept-Encoding": "gzip;q=0, rot13"}
    )
    assert reply.text == "1\n"
    assert ask(embedded_store, "SELECT 1", headers={"Accept-Encoding": "gzip"}).text == "1\n"


@pytest.mark.parametrize("method", ["LZ4", "ZSTD"])
def test_jdbc_and_go_get_clickhouses_own_frames(embedded_store: EmbeddedStore, method: str) -> None:
    options = {"compress": 1, "network_compression_method": method}
    headers = {"X-ClickHouse-Format": "RowBinaryWithNamesAndTypes", "X-ClickHouse-Database": "system"}
    reply = ask(embedded_store, "SELECT * FROM one", options, headers=headers)
    assert reply.headers["x-clickhouse-format"] == "RowBinaryWithNamesAndTypes"
    assert int(json.loads(reply.headers["x-clickhouse-summary"])["result_rows"]) > 0
    decoder = FrameDecoder()
    assert decoder.decode(reply.body) + decoder.finish() == b"\x01\x05dummy\x05UInt8\x00"
    large = ask(embedded_store, "SELECT number FROM numbers(400000)", options)
    assert FrameDecoder().decode(large.body) == b"".join(b"%d\n" % number for number in range(400_000))


def test_an_error_comes_in_frames_to_who_asked_for_frames(embedded_store: EmbeddedStore) -> None:
    reply = ask(embedded_store, "SELECT nope", {"compress": 1})
    assert FrameDecoder().decode(reply.body).startswith(b"Code: 47. DB::Exception: ")


def test_bodies_may_be_clickhouses_own_frames(embedded_store: EmbeddedStore) -> None:
    body = FrameEncoder().encode(b"SELECT ") + FrameEncoder("ZSTD").encode(b"9")
    assert ask(embedded_store, body, {"decompress": 1}).text == "9\n"
    damaged = bytearray(body)
    damaged[-1] ^= 1
    assert ask(embedded_store, bytes(damaged), {"decompress": 1}).code == 40
    assert ask(embedded_store, body[:-1], {"decompress": 1}).code == 271


def test_go_gets_native_of_its_revision(embedded_store: EmbeddedStore) -> None:
    options = {"client_protocol_version": 54460, "default_format": "Native", "max_execution_time": 60}
    assert ask(embedded_store, "SELECT 1 AS a", options).body == (
        b"\x01\x00\x02\xff\xff\xff\xff\x00" + b"\x01\x01" + b"\x01a\x05UInt8" + b"\x00" + b"\x01"
    )
    sql = (
        "SELECT number, toString(number), toLowCardinality(toString(number % 300)), [number], map('k', [number]), "
        "if(number % 2, NULL, number), (number, 'x'), [toLowCardinality('y'), NULL], toDecimal64(number, 2), "
        "toDate(number % 1000) "
        "FROM numbers(200000)"
    )
    # One thread, so that both answers have the same blocks.
    framed = ask(embedded_store, sql, {**options, "max_threads": 1}).body
    reframer = NativeReframer(54460)
    plain = ask(embedded_store, f"{sql} FORMAT Native", {"max_threads": 1}).body
    pieces = [reframer.encode(plain[at : at + 100_000]) for at in range(0, len(plain), 100_000)]
    assert b"".join(pieces) + reframer.finish() == framed
    assert len(framed) > len(plain)
    assert ask(embedded_store, "SELECT 1::Dynamic", options).code == 48


def test_sqlalchemy_names_its_format_in_the_url(embedded_store: EmbeddedStore) -> None:
    reply = ask(embedded_store, "SELECT 1 AS a", {"default_format": "TabSeparatedWithNamesAndTypes"})
    assert reply.text == "a\nUInt8\n1\n"
    assert ask(embedded_store, "SELECT 1 FORMAT CSV", {"default_format": "JSON"}).text == "1\n"


def test_parameters_come_escaped_in_the_url(embedded_store: EmbeddedStore) -> None:
    reply = ask(
        embedded_store, "SELECT {a:String}, {b:UInt8} FORMAT JSONCompactEachRow", {"param_a": "x\\ty'", "param_b": 3}
    )
    assert json.loads(reply.text) == ["x\ty'", 3]
    assert ask(embedded_store, "SELECT {a:String}").code == 456


def test_every_output_format_is_written(embedded_store: EmbeddedStore) -> None:
    rows = ask(
        embedded_store, "SELECT name, content_type FROM system.formats WHERE is_output FORMAT JSONCompactEachRow"
    )
    needs_more = {
        "template",
        "avroconfluent",
        "protobuf",
        "protobufsingle",
        "protobuflist",
        "capnproto",
        "rawblob",
        "png",
    }
    needs_more |= {"mysqlwire", "postgresqlwire", "odbcdriver2", "npy", "geojson", "prometheus"}
    for line in rows.text.splitlines():
        name, content_type = json.loads(line)
        reply = ask(embedded_store, f"SELECT 1 AS a, 'x' AS b FORMAT {name}")
        if name.lower() not in needs_more:
            assert reply.status == 200, (name, reply.text)
            assert reply.headers["content-type"] == content_type
            assert reply.headers["x-clickhouse-format"] == name


def test_an_answer_of_many_blocks_is_one_document(embedded_store: EmbeddedStore) -> None:
    for wait in (0, 1):
        sql = "SELECT number FROM numbers(300000) FORMAT JSONCompact"
        document = json.loads(ask(embedded_store, sql, {"wait_end_of_query": wait}).body)
        assert document["rows"] == len(document["data"]) == 300_000


@pytest.mark.parametrize("wait", [0, 1])
def test_a_large_answer_keeps_its_order(embedded_store: EmbeddedStore, wait: int) -> None:
    sql = "SELECT number, repeat('x', 5000) FROM numbers(6000) FORMAT TSV"
    reply = ask(embedded_store, sql, {"wait_end_of_query": wait, "max_threads": 1})
    lines = reply.body.split(b"\n")
    assert [int(line.split(b"\t")[0]) for line in lines[:-1]] == list(range(6000))


def test_an_error_behind_the_first_byte_is_told_in_the_body_and_cuts_it(embedded_store: EmbeddedStore) -> None:
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000)"
    with httpx.stream("POST", embedded_store.base_url, content=sql) as reply:
        assert reply.status_code == 200
        tag = reply.headers["x-clickhouse-exception-tag"]
        chunks: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            chunks.extend(reply.iter_raw())
    told = b"".join(chunks).decode().partition(f"\r\n__exception__\r\n{tag}\r\n")[2]
    framed, _, end = told.rpartition(f" {tag}")
    message, _, length = framed.rpartition("\n")
    assert message.startswith("Code: 395. DB::Exception: ")
    assert int(length) == len(message) + 1
    assert end == "\r\n__exception__\r\n"


def test_an_error_is_told_before_the_first_byte_to_who_waits_for_the_end(embedded_store: EmbeddedStore) -> None:
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000)"
    reply = ask(embedded_store, sql, {"wait_end_of_query": 1})
    assert (reply.status, reply.code) == (500, 395)
    assert reply.text.startswith("Code: 395.")
