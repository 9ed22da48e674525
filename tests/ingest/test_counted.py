"""What ingest counts of what it is asked and of what it writes."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.ingest.serving import Guest, Served

REPLIES = "roomstate_ingest_replies_total"


def told(server: Served) -> dict[tuple[str, ...], float]:
    """Return the values of /metrics by name and labels."""
    families = text_string_to_metric_families(server.http.get("/metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def more(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float], name: str) -> dict[str, float]:
    """Return by how much the metric's series grew, by their labels."""
    grown = {key: value - before[key] for key, value in after.items() if key[0] == name}
    return {" ".join(key[1:]): value for key, value in grown.items() if value}


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("POST", "/v1/inputs", "native 4xx"),
        ("GET", "/v1/rooms", "native 5xx"),
        ("GET", "/rooms/no-such-room", "loop 5xx"),
        ("OPTIONS", "/rooms/no-such-room", "loop 2xx"),
        ("GET", "/v0/nothing", "loop 4xx"),
        ("GET", "/users/ada/media_play_sessions", "playback 5xx"),
        ("GET", "/api/v1/media/media_play_sessions", "playback 4xx"),
        ("GET", "/manage/sessions", "control 4xx"),
        ("GET", "/streammanager/api/9.0/event/list", "streams 4xx"),
        ("GET", "/docs", "operation 2xx"),
        ("GET", "/", "page 2xx"),
        ("GET", "/no/such/page", "page 3xx"),
    ],
)
def test_replies_are_counted_by_surface_and_status(server: Served, method: str, path: str, counted: str) -> None:
    before = told(server)
    family, status = counted.split(" ")
    assert f"{server.http.request(method, path).status_code // 100}xx" == status
    grown = more(before, told(server), REPLIES)
    assert grown.pop("operation 2xx", 0) == (2 if family == "operation" else 1)  # the question itself is one
    assert grown == ({} if family == "operation" else {counted: 1})


def test_the_hot_path_is_counted_by_itself(server: Served, guest: Guest) -> None:
    before = told(server)
    assert guest.status().status_code == 204
    after = told(server)
    assert more(before, after, "roomstate_ingest_loop_replies_total") == {"204": 1}
    assert more(before, after, REPLIES) == {"operation 2xx": 1}


def test_what_is_written_and_waited_for_is_measured(server: Served) -> None:
    before = told(server)
    opening = {"kind": "open", "room": "measured", "session": "a"}
    assert server.native([opening, {"kind": "no such kind", "room": "measured"}]).status_code == 200
    assert server.native({**opening, "session": "b"}, params={"wait": "decision"}).status_code == 200
    after = told(server)
    for name, grown in (
        ("roomstate_ingest_native_inputs_accepted_total", 2),
        ("roomstate_ingest_native_inputs_refused_total", 1),
        ("roomstate_ingest_durable_wait_seconds_count", 2),
        ("roomstate_ingest_frame_bytes_count", 2),
        ("roomstate_ingest_decision_wait_seconds_count", 1),
    ):
        assert more(before, after, name) == {"": grown}, name
    size_bytes = sum(len(line) for line in (b"measured", b"a", b"measured", b"b"))
    assert after["roomstate_ingest_frame_bytes_sum",] - before["roomstate_ingest_frame_bytes_sum",] > size_bytes
    waited_s = "roomstate_ingest_durable_wait_seconds_sum"
    assert 0 < after[waited_s,] - before[waited_s,] < 60


def test_questions_to_a_store_that_is_away_are_counted(server: Served) -> None:
    before = told(server)
    assert server.http.get("/v1/rooms").status_code == 503
    assert more(before, told(server), "roomstate_ingest_store_errors_total") == {"unavailable": 1}


def test_the_gate_to_the_log_tells_its_state(server: Served) -> None:
    states = {key[1]: value for key, value in told(server).items() if key[0] == "roomstate_ingest_log_gate"}
    assert states == {"open": 1, "ajar": 0, "trying": 0, "shut": 0}
