"""The alert rules: quiet over a healthy store, loud over one in which what they watch has happened."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from dashboards.grafana.alerts import ALERTS
from dashboards.grafana.catalogue import FOLDER
from storage.clock import now_ms
from storage.store import Store
from tests.dashboards.like_grafana import BOARDS, Looking, answer, panels
from tests.fixtures_store import EmbeddedStore
from tests.storage.rows_builder import Row, Story, put

(GROUP,) = yaml.safe_load((FOLDER / "provisioning" / "alerting" / "roomstate.yaml").read_text())["groups"]
RULES = {rule["uid"].removeprefix("roomstate-"): rule for rule in GROUP["rules"]}
MINUTE_MS = 60_000
EXPRESSION = "__expr__"


def value(store: EmbeddedStore, database: str, query: Mapping[str, Any], now_ms: int) -> float:
    """Return the one number of a rule's query, evaluated at a moment."""
    times = query["relativeTimeRange"]
    looking = Looking(now_ms - 1000 * times["from"], now_ms - 1000 * times["to"], 60, {})
    columns, rows = answer(store, database, looking.expanded(query["model"]["rawSql"]))
    assert list(columns) == ["value"], "a rule takes a single column"
    ((found,),) = rows
    return float(found)


def fires(store: EmbeddedStore, url: str, rule: Mapping[str, Any], now_ms: int) -> bool:
    """Do what Grafana does with a rule's queries and its arithmetic."""
    database = url.rpartition("/")[2]
    numbers = {
        query["refId"]: value(store, database, query, now_ms)
        for query in rule["data"]
        if query["datasourceUid"] != EXPRESSION
    }
    (condition,) = [query for query in rule["data"] if query["refId"] == rule["condition"]]
    told = re.sub(r"\$(\w)", lambda found: repr(numbers[found[1]]), condition["model"]["expression"])
    assert re.fullmatch(r"[\d.\s<>=&+-]+", told)
    return bool(eval(told.replace("&&", "and")))


def rows_up_to(now_ms: int, succeeding: int = 100) -> list[Row]:
    """Return a join a minute for two hours, in time; so many percent of the last half hour's reach media."""
    story = Story(inputs_per_frame=4)
    for number in range(120):
        at = now_ms - (120 - number) * MINUTE_MS
        story.judged_at_ms = at + 20
        stay = story.open(f"s{number}", at, at + 300_000)
        stay.status(at + 300, "waiting", 1, 0, 0)
        if number < 90 or number % 10 < succeeding / 10:
            stay.status(at + 900, "sending", 2, 1, 0, event="Publisher.streamCreated")
        stay.close(at + 30_000)
    # The store dates what it inserts by itself; nothing is late that is received after that.
    return [row | {"received_at": now_ms + 10 * MINUTE_MS} for row in story.rows]


def received(rows: list[Row], before_judged_ms: int) -> list[Row]:
    """Return the rows, received so long before they were judged."""
    return [row | {"received_at": row["judged_at"] - before_judged_ms} for row in rows]


def with_a_dead_letter(now_ms: int) -> list[Row]:
    """Return joins, and a line that is no input."""
    story = Story(partition=1, judged_at_ms=now_ms)
    story.dead_letter(now_ms - MINUTE_MS)
    return rows_up_to(now_ms) + story.rows


TROUBLES: dict[str, tuple[Callable[[int], list[Row]], set[str]]] = {
    "nothing": (rows_up_to, set()),
    "a row is lost": (lambda now_ms: rows_up_to(now_ms)[:100] + rows_up_to(now_ms)[101:], {"not-balanced"}),
    "stored late": (lambda now_ms: received(rows_up_to(now_ms), 10_000), {"freshness"}),
    "judged late": (lambda now_ms: received(rows_up_to(now_ms), 40_000), {"freshness", "lag"}),
    "a dead letter": (with_a_dead_letter, {"dead-letters"}),
    "failing joins": (lambda now_ms: rows_up_to(now_ms, succeeding=60), {"join-success"}),
    "an empty store": (lambda _: [], set()),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_rules_tell_of_their_trouble_alone(
    embedded_store: EmbeddedStore, store_database: str, trouble: str
) -> None:
    made, told = TROUBLES[trouble]
    now = now_ms()
    async with await Store.connect(store_database) as store:
        await put(store, made(now))
    assert {name for name, rule in RULES.items() if fires(embedded_store, store_database, rule, now)} == told


def test_a_rule_leads_to_the_panel_that_shows_it() -> None:
    for rule in RULES.values():
        (board,) = [each for each in BOARDS.values() if each["uid"] == rule["dashboardUid"]]
        assert rule["panelId"] in {panel["id"] for panel in panels(board)}, rule["title"]
        named = rule["annotations"]["__dashboardUid__"], int(rule["annotations"]["__panelId__"])
        assert named == (rule["dashboardUid"], rule["panelId"])


def test_rules_are_told_apart_and_say_what_is_wrong() -> None:
    assert len(RULES) == len(GROUP["rules"]) == len(ALERTS)
    assert {rule["labels"]["severity"] for rule in RULES.values()} == {"warning", "critical"}
    # Grafana puts the environment's variables in the place of dollars there, and only there.
    assert not [rule["title"] for rule in RULES.values() if "$" in json.dumps([rule["annotations"], rule["labels"]])]
    assert not [rule["title"] for rule in RULES.values() if "notification_settings" in rule]
