"""Which node is chosen: the asked region, then the stream's own, then the least loaded, then the order given."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.streams.choice import in_region, ranked
from storage.stream_nodes import Node

NODES = [
    Node("origin", "a", "us"),
    Node("edge", "x", "us"),
    Node("origin", "b", "eu"),
    Node("origin", "c", "eu"),
]
regions = st.sampled_from(["", "us", "eu", "mars"])
some_nodes = st.lists(
    st.builds(Node, st.sampled_from(["origin", "edge"]), st.sampled_from("abcdef"), regions), max_size=8, unique=True
)
some_loads = st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 5))


def best(loads: dict[str, int], asked: str = "", own: str = "") -> str:
    return "".join(node.address for node in ranked(NODES, "origin", loads, asked, own))


def test_the_asked_region_comes_first_and_in_it_the_least_loaded() -> None:
    assert best({"b": 2, "c": 1}, "eu") == "cba"
    assert best({"a": 9}, "us") == "abc"


def test_equal_loads_leave_the_order_in_which_nodes_were_given() -> None:
    assert best({}) == "abc"
    assert best({"a": 1, "b": 1, "c": 1}) == "abc"


def test_where_the_asked_region_has_no_node_the_streams_own_comes_first() -> None:
    assert best({"b": 5, "c": 5}, "mars", "eu") == "bca"
    assert best({"b": 1}, "mars") == "acb"
    assert best({"b": 1}, "", "us") == "acb"


def test_the_asked_region_goes_before_the_streams_own() -> None:
    assert best({}, "us", "eu") == "abc"
    assert best({"a": 7}, "us", "eu") == "abc"


def test_a_region_with_nodes_of_another_role_alone_has_none() -> None:
    assert ranked([Node("edge", "x", "mars"), *NODES], "origin", {}, "mars", "eu")[0].address == "b"


def test_nodes_of_a_region() -> None:
    assert [node.address for node in in_region(NODES, "us")] == ["a", "x"]
    assert in_region(NODES, "mars") == []


@given(some_nodes, st.sampled_from(["origin", "edge"]), some_loads, regions, regions)
def test_every_node_of_the_role_is_ranked_once_and_always_alike(
    nodes: list[Node], role: str, loads: dict[str, int], asked: str, own: str
) -> None:
    found = ranked(nodes, role, loads, asked, own)
    assert found == ranked(nodes, role, loads, asked, own)
    assert sorted(found) == sorted(node for node in nodes if node.role == role)
    if any(node.region == asked for node in found) and asked:
        inside = [node for node in found if node.region == asked]
        assert found[: len(inside)] == inside
        assert loads.get(found[0].address, 0) == min(loads.get(node.address, 0) for node in inside)
