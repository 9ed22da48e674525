"""The panels over HTTP: the numbers of the files, asked by somebody who only reads."""

import asyncio
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.panels import panel_names, read_panel
from storage.store import Store
from tests.ingest.serving import Served


@pytest.fixture(scope="module")
def busy(pipeline: Served) -> Served:
    items = [
        {"room": f"panel-{number}", "session": "s", "event": "Session.connectionCreated", "state": "waiting"}
        | {"connections": 1 + number % 2, "user_agent": "<b>agent</b>"}
        for number in range(7)
    ]
    assert pipeline.native(items, params={"wait": "decision"}).status_code == 200
    return pipeline


def answer(server: Served, name: str, **values: str) -> dict[str, Any]:
    reply = server.http.get(f"/v1/panels/{name}", params=values)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def by_sql(server: Served, name: str, values: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    async def ask() -> tuple[list[str], list[tuple[Any, ...]]]:
        url = server.edge.settings.store_engine_url()
        async with await Store.connect(url) as store:
            return await store.named_rows(read_panel(name).sql, values)

    columns, rows = asyncio.run(ask())
    return columns, [[_json(value) for value in row] for row in rows]


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return None if isinstance(value, float) and math.isnan(value) else value


def test_every_panel_is_listed_and_answers(busy: Served) -> None:
    listed = busy.http.get("/v1/panels").json()["panels"]
    assert [panel["name"] for panel in listed] == list(panel_names())
    for panel in listed:
        body = answer(busy, panel["name"])
        assert set(body["parameters"]) == set(panel["parameters"])
        assert all(len(row) == len(body["columns"]) for row in body["rows"])


@pytest.mark.parametrize("name", ["violations_by_reason", "user_agents", "verdicts", "states_over_time"])
def test_numbers_are_those_of_the_file(busy: Served, name: str) -> None:
    body = answer(busy, name, **{"from": "-10m", **({"step_s": "60"} if name == "states_over_time" else {})})
    times = {key: body["parameters"][key].replace("T", " ").rstrip("Z") for key in ("from", "to")}
    columns, rows = by_sql(busy, name, {**body["parameters"], **times})
    assert rows
    assert (body["columns"], body["rows"]) == (columns, rows)


def test_odd_questions_are_answered_in_words(busy: Served) -> None:
    for path, status, words in (
        ("/v1/panels/nothing", 404, "no panel of that name"),
        ("/v1/panels/..%2Fcalls", 404, ""),
        ("/v1/panels/verdicts?from=yesterday", 400, "from: a time as"),
        ("/v1/panels/verdicts?from=-1h&to=-2h", 400, "from: has to be before to"),
        ("/v1/panels/verdicts?colour=red", 400, "colour: this panel takes"),
    ):
        reply = busy.http.get(path)
        assert (reply.status_code, words in reply.text) == (status, True), (path, reply.text)


@pytest.mark.parametrize("text", ["'", "\\", "\\'", "\n", "\t", "{room:String}", "' OR 1 = 1 --", "🦊", "x" * 10_000])
def test_a_filter_is_never_read_as_sql(busy: Served, text: str) -> None:
    assert answer(busy, "verdicts", room=text)["rows"] == []


def test_without_the_store_it_is_said_so(server: Served) -> None:
    reply = server.http.get("/v1/panels/verdicts")
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    assert server.http.get("/v1/panels").status_code == 200
