"""`roomstate query`: any format, or a readable table."""

import io

import pytest
from rich.console import Console

from roomstate.query import query_bytes, query_table
from storage.store import Store, StoreRefused


async def shown(url: str, sql: str, rows_max: int = 1000) -> tuple[str, int]:
    async with await Store.connect(url) as store:
        table, rows = await query_table(store, sql, rows_max)
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return out.getvalue(), rows


async def test_a_table_shows_names_and_values(store_database: str) -> None:
    text, rows = await shown(
        store_database,
        "SELECT 'a\\nb\\x1b[31m' AS word, 7 AS number, NULL AS none, true AS yes, "
        "toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC') AS at, toDate('2026-01-02') AS day;\n",
    )
    assert rows == 1
    for part in ("word", "a\\x0ab\\x1b[31m", "7", "NULL", "true", "2026-01-02 03:04:05.678", "2026-01-02 "):
        assert part in text


async def test_a_long_answer_is_cut_and_counted(store_database: str) -> None:
    text, rows = await shown(store_database, "SELECT number + 5000 AS n FROM numbers(100)", rows_max=10)
    assert rows == 100
    assert "5009" in text
    assert "5010" not in text


async def test_an_empty_answer_is_an_empty_table(store_database: str) -> None:
    text, rows = await shown(store_database, "SELECT room_id FROM room_events")
    assert rows == 0
    assert "room_id" in text


@pytest.mark.parametrize(("output_format", "answer"), [("CSV", b'1,"x"\n'), ("JSONEachRow", b'{"a":1,"b":"x"}\n')])
async def test_any_format_comes_as_it_is(store_database: str, output_format: str, answer: bytes) -> None:
    async with await Store.connect(store_database) as store:
        chunks = [chunk async for chunk in query_bytes(store, "SELECT 1 AS a, 'x' AS b;", output_format)]
    assert b"".join(chunks) == answer


async def test_a_format_in_the_sql_is_kept(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        chunks = [chunk async for chunk in query_bytes(store, "SELECT 1 AS a FORMAT CSVWithNames", "")]
    assert b"".join(chunks) == b'"a"\n1\n'


async def test_wrong_sql_is_refused_with_the_stores_words(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        with pytest.raises(StoreRefused, match="Unknown table"):
            await query_table(store, "SELECT * FROM nowhere")
