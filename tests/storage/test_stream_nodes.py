"""ROOMSTATE_NODES: what is taken, and what the start is told of what is not."""

import json
from pathlib import Path

import pytest

from storage.settings import SettingsError, load_settings
from storage.stream_nodes import DEFAULT_NODES, Node, parse_nodes

ORIGIN = {"role": "origin", "address": "o.example", "region": "eu"}
EDGE = {"role": "edge", "address": "e.example"}


def test_by_default_there_is_a_local_origin_and_a_local_edge() -> None:
    assert parse_nodes("") == DEFAULT_NODES
    assert [node.role for node in DEFAULT_NODES] == ["origin", "edge"]


def test_nodes_keep_their_order_and_a_region_may_be_left_out(tmp_path: Path) -> None:
    nodes = (Node("origin", "o.example", "eu"), Node("edge", "e.example", ""))
    text = json.dumps([ORIGIN, EDGE])
    assert parse_nodes(f"  {text}") == nodes
    (tmp_path / "nodes.json").write_text(text)
    assert parse_nodes(str(tmp_path / "nodes.json")) == nodes


def test_an_address_may_be_an_origin_and_an_edge() -> None:
    assert len(parse_nodes(json.dumps([ORIGIN, {**ORIGIN, "role": "edge"}]))) == 2


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([], "use a JSON list"),
        (["a"], "node 1 is no object"),
        ([ORIGIN, {**EDGE, "role": "transcoder"}], "node 2 has no role"),
        ([{"role": "edge"}], "node 1 has no address"),
        ([{**EDGE, "address": " "}], "node 1 has no address"),
        ([{**EDGE, "address": 7}], "node 1 has no address"),
        ([{**EDGE, "region": 7}], "the region of node 1 is no text"),
        ([{**EDGE, "zone": "a"}], "unknown member 'zone'"),
        ([ORIGIN, EDGE, {**ORIGIN, "region": "us"}], "a node is there twice"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(listed: object, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(_env_file=None, nodes=json.dumps(listed))
    line = str(refused.value)
    assert told in line
    assert "--nodes=" in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["[", "[1", "[" * 5_000, "no-such-file", "/", '{"role": "edge"}'])
def test_what_is_no_list_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="use a JSON list"):
        load_settings(_env_file=None, nodes=text)


def test_a_file_that_holds_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "nodes.json").write_text('{"role": "edge"}')
    with pytest.raises(SettingsError, match="use a JSON list"):
        load_settings(_env_file=None, nodes=str(tmp_path / "nodes.json"))
