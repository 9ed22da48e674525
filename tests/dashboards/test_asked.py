"""Every panel, variable and mark asks the real engine what Grafana would send, and gets what its question gives."""

import gzip
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dashboards.grafana.substitution import for_grafana
from storage.panels import Panel, panel_names, read_panel
from tests.dashboards.like_grafana import BOARDS, Looking, answer, asked_by_the_data_source, panels, sql_of
from tests.dashboards.seeded import AGENT, HERE, Seeded
from tests.storage.embedded.wire import ask
from tests.storage.rows_builder import NOON_MS

each_question = pytest.mark.parametrize("name", panel_names())
OF_THIS_MOMENT = {"stuck_ms"}
"""Columns that grow while a test runs."""
_PLAIN = r"U?Int(8|16|32|64)|Float(32|64)|Bool|String|LowCardinality\(String\)|DateTime(64)?\(.*\)|Enum8\(.*\)"
_SCANNED = re.compile(rf"({_PLAIN})|Nullable\(({_PLAIN})\)")
"""Types that the data source turns into fields; those that it doesn't know become text."""
_NATIVE_OF_ITS_REVISION = b"\x01\x00\x02\xff\xff\xff\xff\x00"


def at_all_times(looking: Looking) -> Looking:
    """Return somebody who looks at everything that there ever was."""
    return replace(looking, from_ms=0, to_ms=2 * NOON_MS)


def looking_at(seeded: Seeded, name: str) -> Looking:
    """Return somebody who sees something of a question."""
    if name in {"restarts", "rule_versions"}:
        return at_all_times(seeded.looking)
    return seeded.choosing(room=HERE, session="here") if name.startswith(("room_", "session_")) else seeded.looking


def by_parameters(seeded: Seeded, panel: Panel, looking: Looking) -> tuple[dict[str, str], list[list[Any]]]:
    """Return a question's answer, its parameters given as ClickHouse takes them."""
    times = {"from": looking.from_ms, "to": looking.to_ms, "at": looking.to_ms}
    given: dict[str, object] = {name: f"{value / 1000:.3f}" for name, value in times.items()}
    given |= {"step_s": looking.interval_s}
    given |= {name: value.replace("\\", "\\\\") for name, value in looking.chosen.items()}
    options = {f"param_{name}": given[name] for name in panel.parameters}
    reply = ask(seeded.store, panel.sql, {"database": seeded.database, "default_format": "JSONCompact", **options})
    assert reply.status == 200, reply.text
    told = json.loads(reply.body)
    return {column["name"]: column["type"] for column in told["meta"]}, told["data"]


def lasting(columns: dict[str, str], rows: list[list[Any]]) -> list[list[Any]]:
    """Return the rows without what changes by itself."""
    return [[value for name, value in zip(columns, row, strict=True) if name not in OF_THIS_MOMENT] for row in rows]


@each_question
def test_the_same_comes_out_as_with_parameters(seeded: Seeded, name: str) -> None:
    panel, looking = read_panel(name), looking_at(seeded, name)
    columns, rows = answer(seeded.store, seeded.database, looking.expanded(for_grafana(panel)))
    assert rows, "the seeded store has nothing to show"
    expected_columns, expected = by_parameters(seeded, panel, looking)
    assert columns == expected_columns
    assert lasting(columns, rows) == lasting(columns, expected)
    hold_panels_to(name, columns)


def hold_panels_to(name: str, columns: dict[str, str]) -> None:
    """Hold what panels of a question say of its columns against the columns."""
    for board in BOARDS.values():
        for panel in (found for found in panels(board) if sql_of(found) == for_grafana(read_panel(name))):
            assert all(_SCANNED.fullmatch(kind) for kind in columns.values()), columns
            unknown = set(named_columns(panel)) - columns.keys()
            assert not unknown, f"{board['title']}: {panel['title']}"
            if panel["type"] == "timeseries":
                assert next(iter(columns)) == "time"
                assert panel["targets"][0]["format"] == 0


def named_columns(panel: dict[str, Any]) -> Iterator[str]:
    """Yield each column that a panel names: to show, to rename, to colour, to lead on from."""
    transformations = {each["id"]: each["options"] for each in panel.get("transformations", ())}
    for mapping in transformations.get("rowsToFields", {}).get("mappings", ()):
        yield mapping["fieldName"]
    yield from transformations.get("filterFieldsByName", {}).get("include", {}).get("names", ())
    yield from (each["fieldName"] for each in transformations.get("filterByValue", {}).get("filters", ()))
    yield from transformations.get("partitionByValues", {}).get("fields", ())
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["id"] == "byName" and "rowsToFields" not in transformations:
            yield override["matcher"]["options"]
    yield from re.findall(r"\$\{__data\.fields\.(\w+)", json.dumps(panel))
    reduced = panel["options"].get("reduceOptions", {}).get("fields", "")
    if reduced and "rowsToFields" not in transformations:
        yield reduced.removeprefix("/^").removesuffix("$/")


def test_a_shown_row_is_one_that_there_can_be(seeded: Seeded) -> None:
    for board in BOARDS.values():
        for panel in panels(board):
            mappings = [each["options"] for each in panel.get("transformations", ()) if each["id"] == "rowsToFields"]
            for mapping in mappings:
                (names,) = [each["fieldName"] for each in mapping["mappings"] if each["handlerKey"] == "field.name"]
                shown = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
                found = {row[names] for row in seeded.rows(sql_of(panel))}
                assert shown & found or panel["type"] == "stat", panel["title"]


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_dashboard_is_answered_that_asks_everything_at_once(seeded: Seeded, board: dict[str, Any]) -> None:
    a_story = board["uid"].endswith("-story")
    looking = seeded.choosing(room=HERE, session="here") if a_story else seeded.looking
    asked = {looking.expanded(sql_of(panel)) for panel in panels(board)}
    with ThreadPoolExecutor(len(asked)) as threads:
        replies = list(threads.map(partial(asked_by_the_data_source, seeded.store, seeded.database), asked))
    for reply in replies:
        assert reply.status == 200, reply.text
        packed = reply.headers.get("content-encoding") == "gzip"
        block = gzip.decompress(reply.body) if packed else reply.body
        assert not block or block.startswith(_NATIVE_OF_ITS_REVISION)


def test_variables_offer_everything_first_and_then_what_is_there(seeded: Seeded) -> None:
    offered = {}
    for board in BOARDS.values():
        for variable in (each for each in board["templating"]["list"] if each["type"] == "query"):
            rows = seeded.rows(variable["query"]["rawSql"])
            assert list(rows[0].items()) == [("value", ""), ("text", "All")], variable["name"]
            offered[variable["name"]] = {row["value"] for row in rows}
    assert offered["room_kind"] == {"", "call", "account", "stream"}
    assert {"", HERE, "call 1", "account 1", "concert"} <= offered["room"]
    assert offered["user_agent"] == {"", AGENT}


def test_marks_have_a_time_and_a_text(seeded: Seeded) -> None:
    looking = at_all_times(seeded.looking)
    (marks,) = {json.dumps(board["annotations"]["list"]) for board in BOARDS.values() if board["annotations"]}
    for mark in json.loads(marks):
        sql = looking.expanded(mark["target"]["rawSql"])
        columns, rows = answer(seeded.store, seeded.database, sql)
        assert rows, mark["name"]
        assert columns["time"].startswith("DateTime")
        assert columns["text"] == "String"


@pytest.mark.parametrize(
    "text", [HERE, "no'such", "\\", "\\' OR 1=1 --", '"', "%27", "$__toTime_ms", "${room}", "𓀀\u202e"]
)
def test_a_chosen_text_is_only_that_text(seeded: Seeded, text: str) -> None:
    looking = seeded.choosing(room=text, user_agent="")
    found = seeded.rows(for_grafana(read_panel("room_sessions")), looking)
    assert {row["room_id"] for row in found} == ({text} if text == HERE else set())
    by_agent = seeded.rows(for_grafana(read_panel("verdicts")), seeded.choosing(user_agent=text))
    assert by_agent == []


def test_a_client_with_every_kind_of_quotes_is_found(seeded: Seeded) -> None:
    verdicts = seeded.rows(for_grafana(read_panel("verdicts")), seeded.choosing(user_agent=AGENT))
    assert {row["verdict"] for row in verdicts} == {"diagram", "violation"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT version()",
        "SHOW DATABASES",
        "SHOW TABLES",
        'SHOW TABLES FROM "{database}"',
        'DESC TABLE "{database}"."room_events"',
        "SELECT name, type, table FROM system.columns WHERE database IN ('{database}')",
        "SELECT name, is_aggregate, origin, description, syntax, returned_value FROM system.functions LIMIT 10000",
    ],
)
def test_what_the_query_editor_asks_is_answered(seeded: Seeded, sql: str) -> None:
    reply = asked_by_the_data_source(seeded.store, seeded.database, sql.format(database=seeded.database))
    assert reply.status == 200, reply.text
