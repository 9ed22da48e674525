"""PATCH and DELETE of rooms, one and several: contract 2.4 with the corrections of 2.11."""

from typing import Any

import pytest

from storage.clock import now_ms
from tests.ingest.serving import Guest, HawkClient, Served
from tests.ingest.test_loop_rooms import CONTEXT
from tests.ingest.test_loop_status import error

NOT_FOUND = error(105, "Token not found.", 404)
NOT_THE_OWNER = error(999, "Authenticated user is not the owner of this room.", 403)
ALERT = "The roomName parameter has been deprecated, you should use context."
GONE = {"code": 404, "errno": 105, "error": "Room not found."}


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture(scope="module")
def stranger(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture
def room(owner: HawkClient) -> str:
    return owner.create_room(expiresIn=10)


def seen(owner: HawkClient, room: str) -> dict[str, Any]:
    body: dict[str, Any] = owner.request("GET", f"/rooms/{room}").json()
    return body


def test_a_patch_changes_what_it_names_and_resets_the_end(owner: HawkClient, room: str) -> None:
    before = seen(owner, room)
    reply = owner.request("PATCH", f"/rooms/{room}", {"roomName": "new", "maxSize": "2"})
    assert reply.status_code == 200
    assert set(reply.json()) == {"expiresAt"}
    assert reply.json()["expiresAt"] == pytest.approx(now_ms() / 1000 + 1344 * 3600, abs=60)
    assert reply.headers["Alert"] == ALERT
    after = seen(owner, room)
    assert after == {
        **before,
        "roomName": "new",
        "maxSize": 2,
        "clientMaxSize": 2,
        **reply.json(),
        "ctime": after["ctime"],
    }


def test_a_patch_may_set_the_end_alone(owner: HawkClient, room: str) -> None:
    reply = owner.request("PATCH", f"/rooms/{room}", {"expiresIn": "5"})
    assert reply.json()["expiresAt"] == pytest.approx(now_ms() / 1000 + 5 * 3600, abs=60)
    assert "Alert" not in reply.headers
    assert seen(owner, room)["roomName"] == "a room"


def test_a_patch_may_add_a_context(owner: HawkClient, room: str) -> None:
    assert owner.request("PATCH", f"/rooms/{room}", {"context": CONTEXT}).status_code == 200
    assert seen(owner, room)["context"] == CONTEXT


def test_a_smaller_room_throws_nobody_out_and_takes_nobody_in(owner: HawkClient, pipeline: Served, room: str) -> None:
    guests = [Guest.joined(pipeline, room) for _ in range(2)]
    assert owner.request("PATCH", f"/rooms/{room}", {"maxSize": 1}).status_code == 200
    assert [guest.status().status_code for guest in guests] == [204, 204]
    assert owner.join(room).json() == error(202, "The room is full.")


@pytest.mark.parametrize("body", [{"maxSize": 6}, {"roomName": None}, {"context": {}}, {"expiresIn": 0}])
def test_parameters_come_before_ownership(stranger: HawkClient, room: str, body: dict[str, Any]) -> None:
    reply = stranger.request("PATCH", f"/rooms/{room}", body)
    assert (reply.status_code, reply.json()["errno"]) == (400, 107)


def test_only_the_owner_changes_and_deletes_a_room(stranger: HawkClient, room: str) -> None:
    for reply in (
        stranger.request("PATCH", f"/rooms/{room}", {"roomName": "mine"}),
        stranger.request("DELETE", f"/rooms/{room}"),
    ):
        assert (reply.status_code, reply.json()) == (403, NOT_THE_OWNER)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_credentials_come_before_the_room_and_the_room_before_parameters(
    pipeline: Served, owner: HawkClient, method: str
) -> None:
    for path in ("/rooms/nosuchroom0", f"/rooms/{owner.create_room()}"):
        reply = pipeline.http.request(method, path, json={"maxSize": 6})
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Hawk")
    reply = owner.request(method, "/rooms/nosuchroom0", {"maxSize": 6})
    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_several_rooms_are_deleted_at_once_and_each_is_answered_for(
    owner: HawkClient, stranger: HawkClient, pipeline: Served
) -> None:
    mine = [owner.create_room() for _ in range(3)]
    foreign = stranger.create_room()
    guest = Guest.joined(pipeline, mine[0])
    reply = owner.request("PATCH", "/rooms", {"deleteRoomTokens": [*mine[:2], mine[0], foreign, "nosuchroom0", ""]})
    assert reply.status_code == 207
    assert reply.json() == {
        "responses": {mine[0]: {"code": 200}, mine[1]: {"code": 200}, foreign: GONE, "nosuchroom0": GONE, "": GONE}
    }
    assert guest.status().json() == NOT_FOUND
    assert pipeline.http.get(f"/rooms/{mine[2]}").status_code == 200
    assert pipeline.http.get(f"/rooms/{foreign}").status_code == 200


def test_when_none_of_several_is_there_it_is_a_404_of_the_same_shape(owner: HawkClient) -> None:
    gone = owner.create_room()
    assert owner.request("DELETE", f"/rooms/{gone}").status_code == 204
    reply = owner.request("PATCH", "/rooms", {"deleteRoomTokens": [gone]})
    assert (reply.status_code, reply.json()) == (404, {"responses": {gone: GONE}})


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, error(108, "Missing: deleteRoomTokens")),
        ({"deleteRoomTokens": []}, error(107, "deleteRoomTokens should not be empty.")),
        ({"deleteRoomTokens": "abc"}, error(107, "deleteRoomTokens should be a list of room tokens.")),
        ({"deleteRoomTokens": None}, error(107, "deleteRoomTokens should be a list of room tokens.")),
        ({"deleteRoomTokens": [None]}, error(107, "deleteRoomTokens should be a list of room tokens.")),
        ({"deleteRoomTokens": {"0": "abc"}}, error(107, "deleteRoomTokens should be a list of room tokens.")),
    ],
)
def test_what_to_delete_must_be_a_list_of_tokens(owner: HawkClient, body: Any, refusal: dict[str, Any]) -> None:
    reply = owner.request("PATCH", "/rooms", body)
    assert (reply.status_code, reply.json()) == (400, refusal)


def test_what_is_deleted_over_http_stands_in_the_rows(owner: HawkClient, pipeline: Served, room: str) -> None:
    guest = Guest.joined(pipeline, room)
    assert owner.request("PATCH", f"/rooms/{room}", {"maxSize": 2}).status_code == 200
    assert owner.request("DELETE", f"/rooms/{room}").status_code == 204
    told = pipeline.http.get(f"/v1/rooms/{room}").json()
    assert [fact["fact"] for fact in told["facts"]] == ["room_created", "room_updated", "room_deleted"]
    assert [session["close_reason"] for session in told["sessions"]] == ["room_deleted"]
    assert guest.act(action="refresh").json() == NOT_FOUND
