"""What is no status explains itself too: openings, refusals, endings, rooms, publications."""

import time
from datetime import timedelta

import pytest

from ingest.native.shown import shown_length, shown_names
from state_machine.vocabulary import RULE_VERSION
from tests.ingest.controlled import Operator
from tests.ingest.serving import Served
from tests.ingest.test_explained import decided, story, timeless

_numbers = iter(range(1_000_000))


@pytest.fixture
def name() -> str:
    return f"fact-{next(_numbers)}"


def told(server: Served, session: str) -> list[str]:
    return timeless(story(server, session))


def room_told(server: Served, room: str, kind: str) -> list[str]:
    return timeless(server.http.get(f"/v1/rooms/{room}", params={"room_kind": kind}).json()["facts"])


def test_a_limit_that_denies_names_who_is_in_the_way(pipeline: Served, name: str) -> None:
    account = {"kind": "open", "room_kind": "account", "room": name, "device_type": "tv"}
    decided(pipeline, *({**account, "session": f"{name}-{number}"} for number in (1, 2, 3)))
    assert told(pipeline, f"{name}-3") == [
        f"the opening was refused: 2 sessions play on tv already, as many as the limit allows: {name}-1, {name}-2"
    ]
    (refused,) = story(pipeline, f"{name}-3")
    assert (refused["rule_name"], refused["before"]) == ("open_refused playback_limit", None)
    assert refused["rule"].startswith("As many sessions of this device type")
    assert refused["known"] == {"sent_before": None}
    decided(pipeline, {**account, "session": f"{name}-4", "replace": "oldest"}, {**account, "session": f"{name}-1"})
    assert told(pipeline, f"{name}-1")[1:] == [
        f"the session closed after L, in state init: {name}-4 opened in its place",
        "the opening was refused: another session had taken its place; it can't come back before T",
    ]
    assert told(pipeline, f"{name}-4") == [f"the session opened, in the place of {name}-1; its lease lasts until T (L)"]
    (opened,) = story(pipeline, f"{name}-4")
    assert opened["same_input"]["told"][0]["session_id"] == f"{name}-1"


def test_a_full_call_names_who_is_inside(pipeline: Served, name: str) -> None:
    decided(pipeline, {"kind": "room_create", "room": name, "max_size": 7})
    joining = [{"kind": "open", "room": name, "session": f"{name}-{number}"} for number in range(8)]
    decided(pipeline, *joining, {**joining[0], "client_max_size": 2})
    inside = ", ".join(f"{name}-{number}" for number in range(5))
    assert told(pipeline, f"{name}-7") == [
        f"the opening was refused: every seat is taken; inside are {inside} and 2 more"
    ]
    assert told(pipeline, f"{name}-0")[1].startswith(
        "the opening was refused: the client can't handle as many as are inside"
    )


def test_each_ending_says_whose_doing_it_was(pipeline: Served, name: str) -> None:
    sessions = [f"{name}-{letter}" for letter in "abcd"]
    decided(pipeline, *({"kind": "open", "room": name, "session": session} for session in sessions[:3]))
    decided(pipeline, {"kind": "kill", "room": name, "session": sessions[0], "by": "the night shift"})
    decided(pipeline, {"kind": "kill", "room": name})
    decided(pipeline, {"kind": "room_create", "room": name}, {"kind": "open", "room": name, "session": sessions[3]})
    decided(pipeline, {"kind": "room_delete", "room": name}, {"kind": "open", "room": name, "session": sessions[3]})
    closed = "the session closed after L, in state init: "
    assert told(pipeline, sessions[0])[1] == f"{closed}killed by the night shift"
    assert (
        told(pipeline, sessions[1])[1]
        == f"{closed}killed by an input that does not say for whom with others of the room"
    )
    assert told(pipeline, sessions[2])[1] == told(pipeline, sessions[1])[1]
    assert told(pipeline, sessions[3])[1:] == [
        f"{closed}its room was deleted",
        "the opening was refused: the room was deleted",
    ]
    assert room_told(pipeline, name, "call") == ["the room was created", "the room was deleted, which ended 1 stay"]


def test_an_expiry_tells_the_leases_end_and_who_found_it(pipeline: Served, name: str) -> None:
    first, second = f"{name}-a", f"{name}-b"
    decided(pipeline, {"kind": "open", "room": name, "session": first, "lease_ms": 40})
    time.sleep(0.05)
    decided(
        pipeline, {"kind": "open", "room": name, "session": second}, {"kind": "refresh", "room": name, "session": first}
    )
    opened, closed, refused = story(pipeline, first)
    assert closed["at"] == opened["lease_ends_at"] == closed["known"]["lease_ends_at"]
    text = timeless([closed])[0]
    assert text.startswith("the session closed after L, in state init: its lease ended at T and had not been renewed")
    assert timeless([refused]) == ["the renewal was refused: its lease was over"]
    if closed["fact_index"]:
        assert text.endswith(f"found by the open of {second}")


def test_a_rooms_own_end_is_told_from_a_leases(pipeline: Served, name: str) -> None:
    soon_ms = round(time.time() * 1000) + 50  # noqa: TID251  # the room is to end in a moment
    decided(
        pipeline,
        {"kind": "open", "room": name, "session": name, "lease_ms": 60_000},
        {"kind": "room_create", "room": name, "expires_at_ms": soon_ms},
    )
    time.sleep(0.06)
    decided(pipeline, {"kind": "open", "room": name, "session": "x" + name})
    assert told(pipeline, name)[1] == "the session closed after L, in state init: the room's own time was over at T"
    assert told(pipeline, "x" + name) == ["the opening was refused: the room's time is over"]


def test_leases_and_commands_that_came_twice(pipeline: Served, name: str) -> None:
    named = {"room": name, "session": name}
    decided(pipeline, {"kind": "open", **named}, {"kind": "open", **named}, {"kind": "refresh", **named})
    decided(pipeline, {"kind": "refresh", **named, "id": "k"}, {"kind": "refresh", **named, "id": "k"})
    decided(pipeline, {"kind": "log_domains", **named, "domains": []}, {"kind": "expire", **named})
    facts = story(pipeline, name)
    assert timeless(facts)[1:] == [
        "opened again while it was live, so it goes on; its lease lasts until T (L)",
        "the lease was renewed; its lease lasts until T (L)",
        "the lease was renewed; its lease lasts until T (L)",
        "the refresh changed nothing (duplicate)",
        "domains logged",
        "the expire changed nothing (lease_renewed)",
    ]
    assert facts[4]["known"]["sent_before"] == facts[3]["place"]
    assert [fact["rule"] for fact in facts if not fact["rule"]] == []


def test_publications_are_told_with_node_lease_and_start(pipeline: Served, name: str) -> None:
    stream = {"room_kind": "stream", "room": f"live/{name}"}
    decided(
        pipeline,
        {"kind": "publish", **stream, "node": "origin-1"},
        {"kind": "publish", **stream, "lease_ms": 60_000},
        {"kind": "unpublish", **stream},
        {"kind": "unpublish", **stream},
    )
    assert room_told(pipeline, f"live/{name}", "stream") == [
        "the stream is live on origin-1, until it is unpublished",
        "the publication was renewed on origin-1, until T",
        "the stream ended after L: its publisher ended it",
        "the unpublish changed nothing (not_published)",
    ]


def test_the_session_control_is_named_as_who_killed(operator: Operator, name: str) -> None:
    server = operator.server
    assert operator.delete([operator.open(name, name)]).status_code == 200
    assert told(server, name)[-1] == "the session closed after L, in state init: killed by session control"


def test_the_rules_are_told_by_themselves(pipeline: Served) -> None:
    rules = pipeline.http.get("/v1/rules").json()
    assert rules["rule_version"] == RULE_VERSION
    assert [state["state"] for state in rules["states"]][:2] == ["init", "waiting"]
    assert {
        "origin": "init",
        "family": "connection_created",
        "guard": "",
        "target": "waiting",
        "verdict": "diagram",
    } in (rules["edges"])
    (created,) = [each for each in rules["families"] if each["family"] == "send_created"]
    assert created["events"] == ["Publisher.streamCreated"]
    assert created["change"] == {"connections": 0, "send_streams": 1, "recv_streams": 0}
    assert len(rules["verdicts"]) == 13


def test_lengths_and_lists_are_short() -> None:
    lengths = [0.0004, 0.25, 3.21, 60, 61, 3600, 3661, 90_000, 86_400 * 3]
    assert [shown_length(timedelta(seconds=length)) for length in lengths] == [
        *("0 ms", "250 ms", "3.2 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "1 d 1 h", "3 d")
    ]
    assert shown_names(["a"]) == "a"
    assert shown_names(map(str, range(7))) == "0, 1, 2, 3, 4 and 2 more"
