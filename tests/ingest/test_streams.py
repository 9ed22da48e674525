"""The stream directory's reads, row by row of contract 5.2, through a whole pipeline."""

import pytest

from storage.clock import now_ms
from tests.ingest.streaming import NODES, Directory, refusal

VERSIONS = ["1.0", "2.0", "3.0", "3.1", "4.0"]
ADDRESSES = {role: {node["address"] for node in NODES if node["role"] == role} for role in ("origin", "edge")}
_numbers = iter(range(1_000_000))


@pytest.fixture
def scope() -> str:
    return f"scope-{next(_numbers)}"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_broadcast_gets_an_origin_and_needs_no_stream(streams: Directory, scope: str, version: str) -> None:
    body = streams.got(f"event/{scope}/demo", version, action="broadcast")
    assert body.keys() == {"name", "scope", "serverAddress", "region"}
    assert (body["name"], body["scope"]) == ("demo", f"/{scope}")
    assert body["serverAddress"] in ADDRESSES["origin"]
    assert streams.listed(scope) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_subscriber_gets_an_edge_once_the_stream_is_published(streams: Directory, scope: str, version: str) -> None:
    path = f"event/{scope}/demo"
    assert "not published" in refusal(streams.ask(path, version, action="subscribe"), 404)
    streams.publish(f"{scope}/demo")
    body = streams.got(path, version, action="subscribe")
    assert body.keys() == {"name", "scope", "serverAddress", "region"}
    assert body["serverAddress"] in ADDRESSES["edge"]
    streams.unpublish(f"{scope}/demo")
    refusal(streams.ask(path, version, action="subscribe"), 404)


def test_stats_tell_the_origin_the_start_and_who_watches(streams: Directory, scope: str) -> None:
    path = f"event/{scope}/demo/stats"
    refusal(streams.ask(path), 404)
    before_ms = now_ms() - 1
    streams.publish(f"{scope}/demo", node="o2.example")
    body = streams.got(path)
    assert before_ms < body.pop("startTime") <= now_ms()
    assert body == {
        "name": "demo",
        "scope": f"/{scope}",
        "serverAddress": "o2.example",
        "region": "eu",
        "currentSubscribers": 0,
    }
    for session in ("a", "b"):
        streams.watch(f"{scope}/demo", session)
    assert streams.got(path)["currentSubscribers"] == 2
    streams.decided({"kind": "close", "room": f"{scope}/demo", "session": "a"})
    assert streams.got(path)["currentSubscribers"] == 1


def test_publishing_again_keeps_the_start_and_the_node(streams: Directory, scope: str) -> None:
    began = streams.publish(f"{scope}/demo")
    body = streams.got(f"event/{scope}/demo/stats")
    assert streams.publish(f"{scope}/demo", region="eu")["reason"] == "renewed"
    assert streams.got(f"event/{scope}/demo/stats") == body
    assert body["startTime"] == began["at_ms"]


def test_the_default_node_is_the_one_that_broadcast_gives(streams: Directory, scope: str) -> None:
    said = streams.got(f"event/{scope}/demo", action="broadcast", region="eu")
    streams.publish(f"{scope}/demo", region="eu")
    assert streams.listed(scope) == [said]


def test_lists_hold_what_is_published_and_nothing_else(streams: Directory, scope: str) -> None:
    assert streams.listed(scope) == streams.listed(scope, "event/list/stats") == []
    for name, node in (("b", "o1.example"), ("a", "o3.example")):
        streams.publish(f"{scope}/{name}", node=node)
    streams.watch(f"{scope}/a", "someone")
    streams.watch(f"{scope}/unpublished", "early")
    place = {"a": ("o3.example", "eu"), "b": ("o1.example", "us")}
    assert streams.listed(scope) == [
        {"name": name, "scope": f"/{scope}", "serverAddress": place[name][0], "region": place[name][1]}
        for name in ("a", "b")
    ]
    stats = streams.listed(scope, "event/list/stats")
    assert [(each["name"], each["currentSubscribers"]) for each in stats] == [("a", 1), ("b", 0)]
    assert stats == [streams.got(f"event/{scope}/{name}/stats") for name in ("a", "b")]
    streams.unpublish(f"{scope}/a")
    assert [each["name"] for each in streams.listed(scope)] == ["b"]


def test_subscribers_come_before_a_stream_and_stay_after_it(streams: Directory, scope: str) -> None:
    streams.watch(f"{scope}/demo", "early")
    streams.publish(f"{scope}/demo")
    assert streams.got(f"event/{scope}/demo/stats")["currentSubscribers"] == 1
    streams.unpublish(f"{scope}/demo")
    streams.publish(f"{scope}/demo")
    assert streams.got(f"event/{scope}/demo/stats")["currentSubscribers"] == 1


def test_a_region_is_a_preference(streams: Directory, scope: str) -> None:
    path = f"event/{scope}/demo"
    assert streams.got(path, action="broadcast", region="eu")["region"] == "eu"
    assert streams.got(path, action="broadcast", region="us")["serverAddress"] == "o1.example"
    assert streams.got(path, action="broadcast", region="mars")["serverAddress"] in ADDRESSES["origin"]
    streams.publish(f"{scope}/demo", node="o1.example")
    assert streams.got(path, action="subscribe", region="eu")["region"] == "eu"
    assert streams.got(path, action="subscribe", region="mars")["region"] == "us", "the stream's own"
    assert streams.got(path, "1.0", action="subscribe", region="eu")["region"] == "us", "1.0 knows no regions"


def test_a_nested_scope_goes_up_to_the_last_part(streams: Directory, scope: str) -> None:
    streams.publish(f"{scope}/inner/demo")
    body = streams.got(f"event/{scope}/inner/demo", action="subscribe")
    assert (body["scope"], body["name"]) == (f"/{scope}/inner", "demo")
    assert streams.got(f"event/{scope}/inner/demo/stats")["scope"] == f"/{scope}/inner"
    assert [each["scope"] for each in streams.listed(f"{scope}/inner")] == [f"/{scope}/inner"]


def test_with_an_action_the_last_part_is_the_name_whatever_it_is(streams: Directory, scope: str) -> None:
    streams.publish(f"{scope}/demo/stats")
    body = streams.got(f"event/{scope}/demo/stats", action="subscribe")
    assert (body["scope"], body["name"]) == (f"/{scope}/demo", "stats")
    refusal(streams.ask(f"event/{scope}/demo/stats"), 404)
    assert streams.got(f"event/{scope}/demo/stats/stats")["name"] == "stats"
    assert streams.got(f"event/{scope}/stats", action="broadcast")["name"] == "stats"


def test_lists_win_over_streams_of_their_names(streams: Directory) -> None:
    for path in ("event/list", "event/list/stats"):
        assert isinstance(streams.got(path, action="broadcast"), list)


@pytest.mark.parametrize("query", [{}, {"action": ""}, {"action": "watch"}, {"action": "Broadcast"}])
def test_an_action_that_is_missing_or_unknown_is_a_400(streams: Directory, query: dict[str, str]) -> None:
    assert "action" in refusal(streams.ask("event/live/demo", **query), 400)


@pytest.mark.parametrize("version", ["1.1", "2", "2.1", "5.0", "x", "3.", "4.01"])
def test_another_version_is_a_404(streams: Directory, version: str) -> None:
    assert "version" in refusal(streams.ask("event/list", version), 404)


@pytest.mark.parametrize(
    "path",
    [
        *("event/demo?action=broadcast", "event/live/?action=broadcast", "event//demo?action=subscribe"),
        *(
            "event/live//demo?action=broadcast",
            "event/a//stats",
            "event//demo/stats",
            "event",
            "",
            "admin",
            "events/x/y",
        ),
        *("admin/event/meta/live/demo", f"event/live/{'x' * 1000}?action=broadcast"),
    ],
)
def test_a_path_that_names_nothing_is_a_404(streams: Directory, path: str) -> None:
    refusal(streams.server.http.get(f"/streammanager/api/3.1/{path}"), 404)


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/3.1", "/apis/3.1/event/list"])
def test_a_path_beside_the_api_is_a_404_in_the_same_form(streams: Directory, path: str) -> None:
    refusal(streams.server.http.get(f"/streammanager{path}"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "event/live/demo"), ("DELETE", "event/list"), ("PUT", "event/live/demo/stats")),
        *(("GET", "admin/event"), ("POST", "event/list/stats")),
    ],
)
def test_another_method_is_refused_in_the_contracts_form(streams: Directory, method: str, path: str) -> None:
    refusal(streams.ask(path, method=method), 405)


def test_names_of_any_characters_are_found(streams: Directory, scope: str) -> None:
    name = "ä?&% =\n#"
    streams.publish(f"{scope}/{name}")
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    assert streams.got(f"event/{scope}/{quoted}", action="subscribe")["name"] == name
    assert streams.got(f"event/{scope}/{quoted}/stats")["name"] == name


def test_an_access_token_on_reads_means_nothing(streams: Directory, scope: str) -> None:
    assert streams.got(f"event/{scope}/demo", action="broadcast", accessToken="x")["name"] == "demo"
