"""GET /rooms/{token} and GET /rooms: what each viewer sees, and what a list leaves out. Contract 2.4."""

import time
from typing import Any

import pytest

from storage.clock import now_ms
from storage.decisions import Decision
from tests.ingest.serving import Guest, HawkClient, Served
from tests.ingest.test_loop_rooms import CONTEXT
from tests.ingest.test_loop_status import error
from tests.ingest.whole_pipeline import wait_until

NOT_FOUND = error(105, "Token not found.", 404)
PLAIN = {"roomToken", "roomName", "context", "roomOwner", "roomUrl"}
FULL = PLAIN | {"maxSize", "clientMaxSize", "creationTime", "expiresAt", "ctime", "participants"}


@pytest.fixture
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


def listed(owner: HawkClient, query: str = "") -> list[dict[str, Any]]:
    reply = owner.request("GET", f"/rooms{query}")
    assert reply.status_code == 200
    rooms: list[dict[str, Any]] = reply.json()
    return rooms


def end_in(server: Served, room: str, wait_ms: int) -> None:
    """Give the room an end that comes soon, as only an operator can."""
    item = {"kind": "room_update", "room": room, "expires_at_ms": now_ms() + wait_ms}
    reply = server.native(item, params={"wait": "decision"})
    assert reply.json()["decisions"][0]["fact"] == "room_updated"


def test_a_participant_sees_the_smallest_size_and_everybodys_name(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room(maxSize=4)
    assert owner.join(room, clientMaxSize=5).status_code == 200
    guest = Guest.joined(pipeline, room, displayName={"any": "thing"}, clientMaxSize=3)
    seen = pipeline.http.get(f"/rooms/{room}", headers=guest.headers).json()
    assert set(seen) == FULL
    assert (seen["maxSize"], seen["clientMaxSize"], seen["context"]) == (4, 3, None)
    assert [(one["displayName"], one["owner"]) for one in seen["participants"]] == [
        ("Ada", True),
        ({"any": "thing"}, False),
    ]
    assert all(set(one) == {"roomConnectionId", "displayName", "owner"} for one in seen["participants"])


def test_a_room_with_a_context_shows_it_and_has_no_name(owner: HawkClient, pipeline: Served) -> None:
    body = {"roomOwner": "Ada", "maxSize": 2, "context": {**CONTEXT, "more": [1]}}
    room = owner.request("POST", "/rooms", body).json()["roomToken"]
    seen = pipeline.http.get(f"/rooms/{room}").json()
    assert set(seen) == PLAIN - {"roomName"}
    assert seen["context"] == {**CONTEXT, "more": [1]}


def test_who_rejoins_is_shown_with_the_name_they_have_now(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room()
    guest = Guest.joined(pipeline, room, displayName="Ann", clientMaxSize=5)
    assert guest.act(action="join", displayName="Anna", clientMaxSize=2).status_code == 200
    seen = owner.request("GET", f"/rooms/{room}").json()
    assert [one["displayName"] for one in seen["participants"]] == ["Anna"]
    assert seen["clientMaxSize"] == 2


def test_head_is_a_look_without_a_body(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room()
    assert pipeline.http.head(f"/rooms/{room}").status_code == 200
    assert pipeline.http.head("/rooms/nosuchroom0").status_code == 404
    reply = owner.request("HEAD", "/rooms")
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_list_has_whole_rooms_the_least_lately_changed_first(owner: HawkClient, pipeline: Served) -> None:
    first, second, third = (owner.create_room(roomName=name) for name in ("one", "two", "three"))
    Guest.joined(pipeline, first)
    assert owner.request("PATCH", f"/rooms/{second}", {"roomOwner": "Eve"}).status_code == 200
    rooms = listed(owner)
    assert [room["roomToken"] for room in rooms] == [third, first, second]
    assert all(set(room) == FULL for room in rooms)
    assert [len(room["participants"]) for room in rooms] == [0, 1, 0]
    assert rooms[1] == owner.request("GET", f"/rooms/{first}").json()
    assert listed(HawkClient(pipeline)) == []


def test_a_list_since_a_version_has_what_changed_and_what_was_deleted(owner: HawkClient, pipeline: Served) -> None:
    old, changed, deleted = (owner.create_room(roomName=name) for name in ("old", "changed", "deleted"))
    guest = Guest.joined(pipeline, changed)
    time.sleep(1.1)
    version = now_ms() // 1000
    assert guest.act(action="leave").status_code == 204
    assert owner.request("DELETE", f"/rooms/{deleted}").status_code == 204
    assert [room["roomToken"] for room in listed(owner)] == [old, changed]
    found = listed(owner, f"?version={version}")
    assert [room["roomToken"] for room in found] == [changed, deleted]
    assert found[1] == {"roomToken": deleted, "deleted": True}
    assert listed(owner, f"?version={version + 100}") == []


@pytest.mark.parametrize("query", ["", "?version=", "?version=abc", "?version=0", "?version", "?other=1"])
def test_a_version_that_is_none_asks_for_everything(owner: HawkClient, query: str) -> None:
    room = owner.create_room()
    assert owner.request("DELETE", f"/rooms/{owner.create_room()}").status_code == 204
    assert [each["roomToken"] for each in listed(owner, query)] == [room]


@pytest.mark.parametrize(("query", "deletions"), [("?version=1", 1), ("?version=-5", 0), ("?version=1x", 1)])
def test_a_version_is_read_as_the_original_read_numbers(owner: HawkClient, query: str, deletions: int) -> None:
    assert owner.request("DELETE", f"/rooms/{owner.create_room()}").status_code == 204
    assert len(listed(owner, query)) == deletions


def test_only_hawk_users_have_a_list(pipeline: Served, owner: HawkClient) -> None:
    guest = Guest.joined(pipeline, owner.create_room())
    for headers in ({}, guest.headers):
        reply = pipeline.http.get("/rooms", headers=headers)
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Hawk")


def test_a_room_that_has_ended_is_gone_for_everybody(owner: HawkClient, pipeline: Served) -> None:
    room, other = owner.create_room(), owner.create_room()
    guest = Guest.joined(pipeline, room)
    end_in(pipeline, room, 800)
    path = f"/rooms/{room}"
    assert guest.status().status_code == 204
    wait_until(lambda: pipeline.http.get(path).status_code == 404, "the room to end")
    for reply in (
        pipeline.http.get(path),
        guest.status(),
        guest.act(action="refresh"),
        guest.act(action="leave"),
        owner.join(room),
        owner.request("PATCH", path, {}),
        owner.request("DELETE", path),
    ):
        assert (reply.status_code, reply.json()) == (404, NOT_FOUND)
    assert [each["roomToken"] for each in listed(owner, "?version=1")] == [other]
    assert owner.request("PATCH", "/rooms", {"deleteRoomTokens": [room]}).status_code == 404


def test_a_join_that_meets_the_end_of_a_room_is_a_404(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room()
    end_in(pipeline, room, 10)
    later = {"expires_at_ms": now_ms() + 60_000}
    pipeline.edge.directory.apply(Decision((0, 0, 0, 0), "room_updated", "call", room, 0, extra=later))  # as if unheard
    reply = owner.join(room)
    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_who_comes_or_leaves_extends_a_room(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room(expiresIn=1)
    path = f"/rooms/{room}"
    guest = Guest.joined(pipeline, room)
    assert owner.request("PATCH", path, {"expiresIn": 1}).status_code == 200
    assert owner.request("GET", path).json()["expiresAt"] <= now_ms() / 1000 + 3_601
    left_s = now_ms() // 1000
    assert guest.act(action="leave").status_code == 204
    assert owner.request("GET", path).json()["expiresAt"] >= left_s + 8 * 7 * 86_400
