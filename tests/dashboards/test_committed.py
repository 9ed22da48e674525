"""The committed files: that they are what the generator writes, and that nothing in them leads nowhere."""

import itertools
import json
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana.catalogue import FOLDER, NOT_SHOWN, alert_files, boards, dashboard_files
from dashboards.grafana.links import links_of_column
from dashboards.grafana.palette import STATES, VERDICTS
from dashboards.grafana.queries import PLUGIN, PLUGIN_VERSION
from dashboards.grafana.substitution import for_grafana, quoted, variables_of
from state_machine.vocabulary import STATES as STATE_NAMES
from state_machine.vocabulary import VERDICTS as VERDICT_NAMES
from storage.panels import panel_names, read_panel
from tests.dashboards.like_grafana import BOARDS, panels, sql_of
from tests.deployment.compose_file import ROOT, required_variables, services

BUILT_IN = {"__url_time_range", "__all_variables", "__value", "__data", "__field"}
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def texts(value: Any) -> list[str]:
    """Return every text in a JSON value, names of members aside."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


def test_what_is_committed_is_what_the_questions_make() -> None:
    made = dashboard_files() | alert_files()
    stale = [path.name for path, text in made.items() if not path.exists() or path.read_text() != text]
    assert not stale, "run `make dashboards`"
    assert set((FOLDER / "dashboards").glob("*.json")) == set(dashboard_files())
    assert dashboard_files() | alert_files() == made


@each_board
def test_the_sdk_reads_back_what_it_wrote(board: dict[str, Any]) -> None:
    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    for link in again["links"]:
        del link["placement"]
    assert again == board


def test_every_question_is_on_a_dashboard_or_left_out_for_a_reason() -> None:
    asked = {name for name in panel_names() for board in BOARDS.values() if named_in(board, name)}
    assert set(panel_names()) - asked == set(NOT_SHOWN)
    assert all(NOT_SHOWN.values())


def named_in(board: dict[str, Any], name: str) -> bool:
    """Tell whether a dashboard asks a question, as it is but for the parameters."""
    return for_grafana(read_panel(name)) in {sql_of(panel) for panel in panels(board)}


@each_board
def test_only_questions_are_asked(board: dict[str, Any]) -> None:
    known = {for_grafana(read_panel(name)) for name in panel_names()}
    assert not [panel["title"] for panel in panels(board) if sql_of(panel) not in known]
    marks = [mark["target"]["rawSql"] for mark in board.get("annotations", {}).get("list", ())]
    assert set(marks) <= known


@each_board
def test_every_variable_that_is_named_is_there_and_asked_for(board: dict[str, Any]) -> None:
    there = {variable["name"] for variable in board["templating"]["list"]}
    named = {found for text in texts(board) for found in re.findall(r"\$\{(\w+)", text)}
    assert named - BUILT_IN == there
    asked = frozenset[str]().union(*(variables_of(read_panel(name)) for name in panel_names() if named_in(board, name)))
    assert there == asked | {"store"}


@each_board
def test_panels_have_their_own_number_and_place(board: dict[str, Any]) -> None:
    numbers = Counter(panel["id"] for panel in board["panels"])
    assert set(numbers.values()) == {1}
    places = Counter(
        (place["x"] + right, place["y"] + down)
        for place in (panel["gridPos"] for panel in board["panels"])
        for right, down in itertools.product(range(place["w"]), range(place["h"]))
    )
    assert set(places.values()) == {1}, "panels lie upon each other"
    assert max(x for x, _ in places) == 23
    assert all(panel["description"] for panel in panels(board))


def test_dashboards_are_told_apart_and_links_lead_to_one() -> None:
    uids = [board["uid"] for board in BOARDS.values()]
    assert len(set(uids)) == len(uids) == len(boards())
    led_to = {
        found for board in BOARDS.values() for text in texts(board) for found in re.findall(r"^/d/([\w-]+)", text)
    }
    assert led_to <= set(uids)
    assert {"roomstate-session-story", "roomstate-room-story"} <= led_to
    for board in BOARDS.values():
        for address in (text for text in texts(board) if text.startswith("/d/")):
            (target,) = [other for other in BOARDS.values() if address.startswith(f"/d/{other['uid']}?")]
            wanted = set(re.findall(r"\bvar-(\w+)=", address))
            assert wanted <= {variable["name"] for variable in target["templating"]["list"]}, address


def test_texts_of_rows_stand_encoded_in_addresses() -> None:
    for board in BOARDS.values():
        for address in (text for text in texts(board) if text.startswith("/d/")):
            assert all(found.endswith(":percentencode") for found in re.findall(r"\$\{__data\.([^}]+)\}", address))
    with pytest.raises(KeyError):
        links_of_column("event")


def test_no_panel_takes_text_for_markup_or_an_id_for_a_number() -> None:
    for board in BOARDS.values():
        for panel in panels(board):
            assert panel["type"] in {"stat", "timeseries", "table", "bargauge", "state-timeline"}
            if panel["type"] == "table":
                assert "unit" not in panel["fieldConfig"]["defaults"], panel["title"]
            cells = [text for text in texts(panel["fieldConfig"]) if text in {"markdown", "html", "image"}]
            assert not cells, panel["title"]


def test_every_state_and_verdict_has_one_colour() -> None:
    assert STATES.keys() == {*STATE_NAMES, "other"}
    assert VERDICTS.keys() == set(VERDICT_NAMES)
    assert len(set(STATES.values())) == len(STATES)
    assert len(set(VERDICTS.values())) == len(VERDICTS)


def test_only_plain_text_is_quoted() -> None:
    assert quoted("call") == "'call'"
    for text in ("it's", "\\", '"'):
        with pytest.raises(ValueError, match="not plain"):
            quoted(text)


def test_the_plugin_is_the_one_that_compose_installs() -> None:
    given = services(dict.fromkeys(required_variables(), "x"))["grafana"]["environment"]
    assert given["GF_PLUGINS_PREINSTALL_SYNC"] == f"{PLUGIN}@{PLUGIN_VERSION}"


def test_the_data_source_asks_for_no_more_time_than_the_reading_user_may_have() -> None:
    provisioned = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "clickhouse.yaml").read_text())
    (source,) = provisioned["datasources"]
    profile = ElementTree.parse(ROOT / "storage" / "clickhouse" / "analyst.xml")
    most = profile.findtext("profiles/analyst/constraints/max_execution_time/max")
    assert most is not None
    # clickhouse-go adds 5 s to its own deadline, and the server refuses a query that asks for more than the constraint.
    assert source["jsonData"]["queryTimeout"] + 5 <= int(most)


def test_provisioning_names_what_is_there() -> None:
    folder = FOLDER / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "clickhouse.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "roomstate.yaml").read_text())["providers"]
    (group,) = yaml.safe_load((folder / "alerting" / "roomstate.yaml").read_text())["groups"]
    assert (source["uid"], source["type"]) == ("roomstate", PLUGIN)
    assert provider["folder"] == group["folder"] == "Roomstate"
    for board in BOARDS.values():
        chosen = {variable["name"]: variable["current"]["value"] for variable in board["templating"]["list"]}
        assert chosen["store"] == source["uid"]
