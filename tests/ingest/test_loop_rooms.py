"""Creating rooms: contract 2.4 with the corrections of 2.11."""

import re
from typing import Any

import pytest

from storage.clock import now_ms
from tests.ingest.serving import HawkClient, Served
from tests.ingest.test_loop_status import error

ROOM: dict[str, Any] = {"roomName": "a room", "roomOwner": "Ada", "maxSize": 3}
CONTEXT = {"value": "v", "alg": "A128GCM", "wrappedKey": "k"}
HOUR_S = 3600


def test_a_new_room_has_a_token_an_address_and_an_end(owner: HawkClient, server: Served) -> None:
    reply = owner.request("POST", "/rooms", ROOM)
    assert reply.status_code == 201
    assert set(reply.json()) == {"roomToken", "roomUrl", "expiresAt"}
    token = reply.json()["roomToken"]
    assert re.fullmatch("[A-Za-z0-9_-]{11}", token)
    assert reply.json()["roomUrl"] == f"http://localhost:3000/{token}"
    assert reply.json()["expiresAt"] == pytest.approx(now_ms() / 1000 + 1344 * HOUR_S, abs=60)
    (line,) = [item for item in server.inputs() if item.kind == "room_create" and item.room == token]
    assert (line.max_size, line.extra) == (3, {"room_owner": "Ada", "room_name": "a room", "channel": "default"})
    assert re.fullmatch("[0-9a-f]{32}", line.user)


@pytest.mark.parametrize(
    ("absent", "text"),
    [
        ({"roomName"}, "Missing: context,roomName"),
        ({"roomOwner"}, "Missing: roomOwner"),
        ({"maxSize"}, "Missing: maxSize"),
        ({"roomName", "roomOwner", "maxSize"}, "Missing: context,roomName, roomOwner, maxSize"),
    ],
)
def test_what_is_missing_is_named(owner: HawkClient, absent: set[str], text: str) -> None:
    body = {name: value for name, value in ROOM.items() if name not in absent}
    assert owner.request("POST", "/rooms", body).json() == error(108, text)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"roomName": "x" * 101}, "roomName should be shorter than 100 characters"),
        ({"roomName": "\U0001f600" * 51}, "roomName should be shorter than 100 characters"),
        ({"roomOwner": "x" * 256}, "roomOwner should be shorter than 255 characters"),
        ({"expiresIn": "abc"}, "expiresIn should be a valid number"),
        ({"expiresIn": 1345}, "expiresIn cannot be greater than 1344"),
        ({"maxSize": 6}, "maxSize cannot be greater than 5"),
        ({"maxSize": "abc"}, None),
        ({"maxSize": 0}, None),
        ({"maxSize": -1}, None),
        ({"maxSize": None}, None),
        ({"expiresIn": 0}, None),
        ({"expiresIn": -5}, None),
        ({"roomOwner": None}, None),
        ({"roomName": None}, None),
        ({"roomName": 5}, None),
        ({"context": CONTEXT}, None),
    ],
)
def test_what_is_wrong_is_a_400(owner: HawkClient, members: dict[str, Any], text: str | None) -> None:
    reply = owner.request("POST", "/rooms", {**ROOM, **members})
    assert (reply.status_code, reply.json()["errno"]) == (400, 107)
    assert text is None or reply.json() == error(107, text)


@pytest.mark.parametrize(
    "members",
    [
        {"roomName": "x" * 100},
        {"maxSize": "2"},
        {"expiresIn": "5"},
        {"channel": "no such channel"},
    ],
)
def test_what_the_contract_allows_is_taken(owner: HawkClient, members: dict[str, Any]) -> None:
    assert owner.request("POST", "/rooms", {**ROOM, **members}).status_code == 201


@pytest.mark.parametrize("name", ["value", "alg", "wrappedKey"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_context_needs_all_its_members(owner: HawkClient, name: str, how: str) -> None:
    context: dict[str, Any] = {**CONTEXT, name: None}
    if how == "absent":
        del context[name]
    body = {"roomOwner": "Ada", "maxSize": 2, "context": context}
    assert owner.request("POST", "/rooms", body).json()["errno"] == 107


def test_a_room_may_have_a_context_in_place_of_a_name(owner: HawkClient) -> None:
    body = {"roomOwner": "Ada", "maxSize": 2, "context": CONTEXT}
    assert owner.request("POST", "/rooms", body).status_code == 201


def test_a_client_that_takes_no_json_is_told(owner: HawkClient) -> None:
    reply = owner.request("POST", "/rooms", ROOM, Accept="text/html")
    assert (reply.status_code, reply.json()["errno"]) == (406, 106)
    assert owner.request("POST", "/rooms", ROOM, Accept="text/html, */*;q=0.1").status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/rooms/nosuchroom0"),
        ("GET", "/rooms"),
        ("PATCH", "/rooms/nosuchroom0"),
        ("DELETE", "/rooms/nosuchroom0"),
        ("PATCH", "/rooms"),
    ],
)
def test_what_the_store_alone_can_answer_is_a_503_while_it_is_away(owner: HawkClient, method: str, path: str) -> None:
    reply = owner.request(method, path, {"deleteRoomTokens": ["x"]})
    assert (reply.status_code, reply.json()) == (503, {"code": 503, "errno": 201, "error": "Service Unavailable"})
    assert reply.headers["Retry-After"] == "30"
    assert "server-authorization" in reply.headers or method == "GET"


def test_a_deprecated_name_is_told_also_with_a_refusal(owner: HawkClient) -> None:
    alert = "The roomName parameter has been deprecated, you should use context."
    assert owner.request("POST", "/rooms", ROOM).headers["Alert"] == alert
    assert owner.request("POST", "/rooms", {**ROOM, "maxSize": 6}).headers["Alert"] == alert
    assert "Alert" not in owner.request("POST", "/rooms", {"roomName": "x"}).headers
    both = owner.request("POST", "/rooms", {**ROOM, "context": CONTEXT})
    assert both.json() == error(107, "roomName has been deprecated, please store it encrypted inside the context.")


def test_a_room_may_be_made_by_a_form(owner: HawkClient, server: Served) -> None:
    form = "roomOwner=Ada&maxSize=2&context[value]=v&context[alg]=a&context[wrappedKey]=k"
    content_type = "application/x-www-form-urlencoded"
    header = owner.sender("POST", "/rooms", form, content_type).request_header
    headers = {"Authorization": header, "Content-Type": content_type}
    reply = server.http.post("/rooms", content=form, headers=headers)
    assert reply.status_code == 201
    (line,) = [
        item for item in server.inputs() if item.kind == "room_create" and item.room == reply.json()["roomToken"]
    ]
    assert line.extra["context"] == {"value": "v", "alg": "a", "wrappedKey": "k"}
