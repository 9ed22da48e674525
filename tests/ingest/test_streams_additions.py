"""What 3.x added to the stream directory (contract 5.3), and what earlier versions make of it."""

from typing import Any

import pytest

from tests.ingest.streaming import Directory, refusal

_numbers = iter(range(1_000_000))


@pytest.fixture
def scope() -> str:
    return f"addition-{next(_numbers)}"


def test_a_strict_region_is_a_condition(streams: Directory, scope: str) -> None:
    path = f"event/{scope}/demo"
    assert streams.got(path, "3.1", action="broadcast", region="us", strict="true")["serverAddress"] == "o1.example"
    for version in ("3.0", "3.1", "4.0"):
        refused = streams.ask(path, version, action="broadcast", region="mars", strict="true")
        assert "region" in refusal(refused, 400)
    assert streams.got(path, "2.0", action="broadcast", region="mars", strict="true")["name"] == "demo"
    assert streams.got(path, "3.1", action="broadcast", strict="true")["name"] == "demo"


@pytest.mark.parametrize(("wanted", "given"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_explicit_endpoints_are_a_list(streams: Directory, scope: str, wanted: int, given: int) -> None:
    found = streams.got(f"event/{scope}/demo", "3.1", action="broadcast", endpoints=wanted)
    assert len({each["serverAddress"] for each in found}) == len(found) == given
    assert isinstance(streams.got(f"event/{scope}/demo", "2.0", action="broadcast", endpoints=wanted), dict)


def test_too_few_endpoints_are_a_refusal_where_they_are_a_condition(streams: Directory, scope: str) -> None:
    path = f"event/{scope}/demo"
    asked = {"action": "broadcast", "region": "eu", "strict": "true"}
    assert {each["region"] for each in streams.got(path, "3.1", endpoints=2, **asked)} == {"eu"}
    refusal(streams.ask(path, "3.1", endpoints=3, **asked), 400)


@pytest.mark.parametrize(
    "query",
    [
        *({"endpoints": value} for value in ("0", "-1", "x", "", "1.5", "99999")),
        *({"strict": "perhaps"}, {"transcode": "7"}, {"geozone": "g"}, {"geozone": "g", "region": "eu"}),
    ],
)
def test_a_parameter_that_is_wrong_is_a_400_from_3_on_and_nothing_before(
    streams: Directory, scope: str, query: dict[str, Any]
) -> None:
    asked = {"action": "broadcast", **query}
    refusal(streams.ask(f"event/{scope}/demo", "3.1", **asked), 400)
    assert streams.got(f"event/{scope}/demo", "2.0", **asked)["name"] == "demo"


def test_a_transcoder_that_is_not_provisioned_is_an_origin(streams: Directory, scope: str) -> None:
    body = streams.got(f"event/{scope}/demo", "3.1", action="broadcast", transcode="true")
    assert body["serverAddress"].startswith("o")


def test_items_of_lists_have_a_type(streams: Directory, scope: str) -> None:
    streams.publish(f"{scope}/demo")
    for path in ("event/list", "event/list/stats"):
        assert [each["type"] for each in streams.listed(scope, path, "3.1")] == ["origin"]
        assert ["type" in each for each in streams.listed(scope, path, "2.0")] == [False]


def test_without_aggregate_each_node_stands_for_itself(streams: Directory, scope: str) -> None:
    streams.publish(f"{scope}/demo", node="o1.example")
    for session, node in (("a", "e2.example"), ("b", "e2.example"), ("c", "e1.example")):
        streams.watch(f"{scope}/demo", session, node=node)
    streams.watch(f"{scope}/demo", "d")
    (whole,) = streams.listed(scope, "event/list/stats", "3.1")
    assert whole["currentSubscribers"] == 4
    apart = streams.listed(scope, "event/list/stats", "3.1", aggregate="false")
    assert [(each["type"], each["serverAddress"], each["region"], each["currentSubscribers"]) for each in apart] == [
        ("origin", "o1.example", "us", 1),
        ("edge", "e1.example", "us", 1),
        ("edge", "e2.example", "eu", 2),
    ]
    assert {each["startTime"] for each in apart} == {whole["startTime"]}
    refusal(streams.ask("event/list/stats", "3.1", aggregate="maybe"), 400)
    assert streams.listed(scope, "event/list/stats", "2.0", aggregate="false")[0]["currentSubscribers"] == 4


@pytest.mark.parametrize(
    "wrong",
    [
        *({"room": room} for room in ("demo", "/live/demo", "live/", "live//demo")),
        *({"node": 7}, {"region": ["eu"]}, {"node": "x" * 1001}, {"room_kind": "call"}),
    ],
)
@pytest.mark.parametrize("kind", ["publish", "unpublish"])
def test_a_publication_that_cannot_be_is_refused(streams: Directory, kind: str, wrong: dict[str, Any]) -> None:
    reply = streams.server.native({"kind": kind, "room_kind": "stream", "room": "live/demo", **wrong})
    assert reply.status_code == 422
    assert next(iter(wrong)) in reply.json()["refused"][0]["error"]
