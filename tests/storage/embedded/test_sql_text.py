"""Cutting statements apart: what is a token, where a clause stands, where data begin."""

import time

import pytest

from storage.embedded.engine_errors import EngineError, engine_error
from storage.embedded.sql_text import bare_name, tokens
from storage.embedded.statements import Command, Insert, Rows, read_insert, read_statement


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("SELECT 1", "word number"),
        ("'it''s \\' one'", "string"),
        ("$a$ ' $b$ $a$ x", "string word"),
        ('`a``b` "c\\"d"', "quoted quoted"),
        ("a -- b\nc # d\n/* e ' */ f", "word word word"),
        ("a.b", "word sign word"),
        ("größe", "word"),
        ("'no end", "string"),
        ("x /* no end", "word"),
    ],
)
def test_tokens_are_clickhouses(text: str, kinds: str) -> None:
    assert " ".join(token.kind for token in tokens(text)) == kinds


def test_brackets_have_the_depth_outside() -> None:
    assert [(token.text, token.depth) for token in tokens("(a(b))")] == [
        ("(", 0),
        ("a", 1),
        ("(", 1),
        ("b", 2),
        (")", 1),
        (")", 0),
    ]


def test_names_lose_their_quotes() -> None:
    assert [bare_name(token) for token in tokens('a `b``c` "d\\"e"')] == ["a", "b`c", 'd"e']


@pytest.mark.parametrize("text", ["'" + "\\'" * 200_000, "".join(f"$a{n}$" for n in range(40_000)), "/*" * 200_000])
def test_no_text_takes_long(text: str) -> None:
    started = time.monotonic()
    for _ in tokens(text):
        pass
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "head", "name"),
    [
        ("SELECT 1", "SELECT 1", None),
        ("SELECT 1;", "SELECT 1", None),
        ("SELECT 1 FORMAT CSV", "SELECT 1 ", "CSV"),
        ("SELECT 1 format CSV SETTINGS a = 1;", "SELECT 1 ", "CSV"),
        ("SELECT 1 SETTINGS a = 1 FORMAT CSV", "SELECT 1 SETTINGS a = 1 ", "CSV"),
        ("SELECT 1 AS format", "SELECT 1 AS format", None),
        ("SELECT (SELECT 1 FORMAT x)", "SELECT (SELECT 1 FORMAT x)", None),
        ("SELECT ' FORMAT CSV'", "SELECT ' FORMAT CSV'", None),
        ("SELECT 1 -- FORMAT CSV", "SELECT 1", None),
        ("(SELECT 1) UNION ALL SELECT 2 FORMAT `CSV`", "(SELECT 1) UNION ALL SELECT 2 ", "CSV"),
        ("WITH 1 AS a SELECT a", "WITH 1 AS a SELECT a", None),
        ("explain select 1", "explain select 1", None),
    ],
)
def test_the_output_goes_before_the_format_clause(text: str, head: str, name: str | None) -> None:
    rows = read_statement(text)
    assert isinstance(rows, Rows)
    assert rows.text[: rows.output_at] == head
    assert rows.format_name == name


@pytest.mark.parametrize(
    "text", ["CREATE TABLE t (a UInt8)", "WITH 1 AS x INSERT INTO t SELECT x", "KILL QUERY WHERE 1", "x"]
)
def test_what_answers_no_rows_is_a_command(text: str) -> None:
    assert isinstance(read_statement(text), Command)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 62),
        (" ; ", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT 1 INTO OUTFILE 'x'", 358),
        ("select 1 into/**/outfile 'x'", 358),
    ],
)
def test_what_is_not_one_statement_is_refused(text: str, code: int) -> None:
    with pytest.raises(EngineError) as refused:
        read_statement(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"INSERT INTO t VALUES (1)", Insert("t", None, "", "Values", 20)),
        (b"insert into `a b`.t(x, y) format CSV\n1", Insert("`a b`.t", "x, y", "", "CSV", 37)),
        (b"INSERT INTO t () FORMAT CSV 1", Insert("t", "", "", "CSV", 28)),
        (b"INSERT INTO TABLE d.t SETTINGS a = 1 FORMAT TSV \r\n1", Insert("d.t", None, "SETTINGS a = 1 ", "TSV", 50)),
        (b"INSERT INTO FUNCTION file('x(', 'y') VALUES 1", Insert("FUNCTION file('x(', 'y')", None, "", "Values", 43)),
        (b"/* c */ INSERT INTO t -- d\nFORMAT Native\n\x00\xff'", Insert("t", None, "", "Native", 41)),
        (b"INSERT INTO t SELECT 1", None),
        (b"INSERT INTO t (SELECT 1)", None),
        (b"INSERT INTO t (a) WITH 1 AS x SELECT x", None),
        (b"INSERT INTO t", None),
        (b"SELECT 1", None),
        (b"", None),
    ],
)
def test_an_insert_is_known_by_its_head(head: bytes, expected: Insert | None) -> None:
    assert read_insert(head, is_whole=True) == expected
    if expected is None:
        return
    # Whatever has come so far, it is either enough for the same answer or not enough.
    for length in range(len(head)):
        assert read_insert(head[:length], is_whole=False) in {False, expected}


@pytest.mark.parametrize(
    ("text", "code", "name", "detail"),
    [
        ("Code: 60. DB::Exception: No t. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "No t."),
        (
            "Code: 164. DB::Exception: Code: 164. DB::Exception: No. (READONLY) (version 26.9.2.1). (READONLY)",
            164,
            "READONLY",
            "No.",
        ),
        ("Code: 1. DB::Exception: a (b) (version 1.2 (official build)) (X_Y)", 1, "X_Y", "a (b)"),
        ("something else", 1002, "UNKNOWN_EXCEPTION", "something else"),
    ],
)
def test_the_engines_errors_are_read(text: str, code: int, name: str, detail: str) -> None:
    error = engine_error(text)
    assert (error.code, error.name, error.detail) == (code, name, detail)
