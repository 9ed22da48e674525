"""Joining: contracts 2.5, 2.11 and the test cases of contract 3."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.ingest.serving import Guest, HawkClient, Served
from tests.ingest.test_loop_status import error

FULL = error(202, "The room is full.")
TOO_MANY = error(121, "Too many participants in the room for you to handle.")


def join(server: Served, room: str, **members: Any) -> Any:
    body = {"action": "join", "displayName": "Guest", "clientMaxSize": 5, **members}
    return server.http.post(f"/rooms/{room}", json=body)


def test_a_join_hands_out_exactly_four_members(server: Served, room: str) -> None:
    reply = join(server, room)
    assert reply.status_code == 200
    assert set(reply.json()) == {"apiKey", "sessionId", "sessionToken", "expires"}
    assert reply.json()["expires"] == 300
    assert reply.json()["sessionToken"].startswith("T1==")
    assert "Timestamp" in reply.headers


def test_everybody_in_a_room_gets_the_same_media_session(owner: HawkClient, server: Served, room: str) -> None:
    first, second = join(server, room).json(), join(server, room).json()
    other = join(server, owner.create_room()).json()
    assert (first["apiKey"], first["sessionId"]) == (second["apiKey"], second["sessionId"])
    assert first["sessionToken"] != second["sessionToken"]
    assert (other["apiKey"], other["sessionId"] == first["sessionId"]) == (first["apiKey"], False)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Missing: displayName, clientMaxSize"),
        ({"clientMaxSize": 2}, "Missing: displayName"),
        ({"displayName": "x"}, "Missing: clientMaxSize"),
    ],
)
def test_what_is_missing_is_named(server: Served, room: str, body: dict[str, Any], text: str) -> None:
    reply = server.http.post(f"/rooms/{room}", json={"action": "join", **body})
    assert (reply.status_code, reply.json()) == (400, error(108, text))


@pytest.mark.parametrize("size", ["abc", None, "", {}, True])
def test_a_size_must_be_a_number(server: Served, room: str, size: Any) -> None:
    assert join(server, room, clientMaxSize=size).json() == error(107, "clientMaxSize should be a number.")


@pytest.mark.parametrize("size", ["10", 10, 2.5, "3 people"])
def test_a_size_may_be_a_numeric_text(server: Served, room: str, size: Any) -> None:
    assert join(server, room, clientMaxSize=size).status_code == 200


@pytest.mark.parametrize("size", [0, -1, "-5", "0"])
def test_a_client_that_handles_nobody_gets_no_seat_even_in_an_empty_room(server: Served, room: str, size: Any) -> None:
    assert join(server, room, clientMaxSize=size).json() == TOO_MANY


def test_a_seat_is_kept_for_the_owner(owner: HawkClient, server: Served) -> None:
    room = owner.create_room(maxSize=2)
    assert join(server, room).status_code == 200
    assert join(server, room).json() == FULL
    assert owner.join(room).status_code == 200
    assert join(server, room).json() == FULL


def test_a_third_is_one_too_many_for_clients_of_two(owner: HawkClient, server: Served, room: str) -> None:
    assert owner.join(room, clientMaxSize=2).status_code == 200
    assert join(server, room, clientMaxSize=2).status_code == 200
    assert join(server, room, clientMaxSize=3).json() == FULL


def test_a_client_of_one_cannot_join_the_owner(owner: HawkClient, server: Served, room: str) -> None:
    assert owner.join(room).status_code == 200
    assert join(server, room, clientMaxSize=1).json() == TOO_MANY


def test_the_owner_who_joins_again_is_not_counted_twice(owner: HawkClient, server: Served) -> None:
    room = owner.create_room(maxSize=2)
    assert owner.join(room).status_code == 200
    assert join(server, room).status_code == 200
    assert owner.join(room).status_code == 200


def test_an_anonymous_rejoin_goes_on_with_the_same_session(owner: HawkClient, server: Served) -> None:
    room = owner.create_room(maxSize=2)
    guest = Guest.joined(server, room)
    again = guest.act(action="join", displayName="Guest", clientMaxSize=5)
    assert again.status_code == 200
    assert guest.status().status_code == 204
    assert Guest(server, room, again.json()["sessionToken"]).status().status_code == 204
    sessions = {item.session for item in server.inputs() if item.room == room and item.session}
    assert len(sessions) == 1


def test_two_stays_of_one_user_are_two_sessions(owner: HawkClient, server: Served, room: str) -> None:
    for _ in range(2):
        assert owner.join(room).status_code == 200
        assert owner.act(room, action="leave").status_code == 204
    assert len({item.session for item in server.inputs() if item.room == room and item.kind == "open"}) == 2


def test_joins_at_once_never_overrun_the_seats(owner: HawkClient, server: Served) -> None:
    room = owner.create_room(maxSize=3)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: join(server, room).status_code, range(8)))
    assert sorted(replies) == [200, 200] + [400] * 6
