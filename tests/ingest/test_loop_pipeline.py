"""POST /rooms/{token}: the order of checks of contract 2.5, and who may do what."""

from typing import Any

import pytest

from storage.clock import now_ms
from tests.ingest.serving import STATUS, Guest, HawkClient, Served, basic
from tests.ingest.test_loop_status import error

ACTIONS = "action should be one of join, refresh, status, leave, logDomain"
EXPIRED = error(110, "Invalid token; it may have expired.", 401)


@pytest.mark.parametrize(
    ("body", "errno"),
    [
        ({}, 108),
        ([], 108),
        ({"action": "dance"}, 107),
        ({"action": None}, 107),
        ({"action": ["join"]}, 107),
        ({"action": {}}, 107),
        ({"action": "Status"}, 107),
    ],
)
def test_the_action_is_checked_before_credentials_are_asked_for(
    server: Served, room: str, body: Any, errno: int
) -> None:
    reply = server.http.post(f"/rooms/{room}", json=body)
    assert (reply.status_code, reply.json()) == (400, error(errno, ACTIONS))


def test_bad_credentials_come_before_a_bad_action(server: Served, room: str) -> None:
    reply = server.http.post(f"/rooms/{room}", json={}, headers={"Authorization": basic("nobody")})
    assert (reply.status_code, reply.json()) == (401, EXPIRED)
    assert reply.headers["WWW-Authenticate"] == 'Basic error="Invalid token; it may have expired."'
    assert abs(int(reply.headers["Timestamp"]) * 1000 - now_ms()) < 60_000


@pytest.mark.parametrize("action", ["refresh", "status", "leave", "logDomain"])
def test_every_action_but_join_asks_for_credentials_before_it_looks_at_the_body(
    server: Served, room: str, action: str
) -> None:
    reply = server.http.post(f"/rooms/{room}", json={"action": action})
    assert (reply.status_code, reply.json()) == (401, error(110, "Unauthorized", 401))
    assert reply.headers["WWW-Authenticate"] == "Token,Hawk"


def test_a_bad_body_comes_before_membership(owner: HawkClient, room: str) -> None:
    stranger = HawkClient(owner.server)
    assert stranger.act(room, action="status").json() == error(107, "'event' field is missing in body.")
    assert stranger.act(room, action="logDomain").json() == error(108, "Missing: domains")


@pytest.mark.parametrize(
    ("header", "text", "challenge"),
    [
        ("Bearer abc", "Unsupported", 'Basic,Hawk error="Unsupported"'),
        ("Digest", "Unsupported", 'Basic,Hawk error="Unsupported"'),
        ("Basic", "Unauthorized", "Basic"),
        ("Basic a b", "Unauthorized", "Basic"),
        ("Basic !!!", "Invalid token; it may have expired.", 'Basic error="Invalid token; it may have expired."'),
        ("basic VDE9PQ==", "Invalid token; it may have expired.", 'Basic error="Invalid token; it may have expired."'),
    ],
)
def test_credentials_that_are_no_good_are_told_apart(
    server: Served, room: str, header: str, text: str, challenge: str
) -> None:
    reply = server.http.post(f"/rooms/{room}", json=STATUS, headers={"Authorization": header})
    assert (reply.status_code, reply.json()) == (401, error(110, text, 401))
    assert reply.headers["WWW-Authenticate"] == challenge


def test_a_token_of_another_room_is_as_good_as_none(owner: HawkClient, guest: Guest) -> None:
    other = owner.create_room()
    reply = guest.server.http.post(f"/rooms/{other}", json=STATUS, headers=guest.headers)
    assert (reply.status_code, reply.json()) == (401, EXPIRED)


@pytest.mark.parametrize("position", [5, 30, 60, -3])
def test_a_token_with_one_character_changed_is_forged(guest: Guest, position: int) -> None:
    characters = list(guest.token)
    characters[position] = "A" if characters[position] != "A" else "B"
    guest.headers = {"Authorization": basic("".join(characters))}
    assert guest.status().json() == EXPIRED


def test_after_leaving_every_action_of_the_token_is_a_401(guest: Guest) -> None:
    assert guest.act(action="leave").status_code == 204
    for action in ("join", "refresh", "status", "leave", "logDomain"):
        assert guest.act(action=action).json() == EXPIRED


def test_refresh_tells_for_how_long(owner: HawkClient, guest: Guest) -> None:
    assert guest.act(action="refresh", sessionToken="ignored").json() == {"expires": 300}
    assert owner.join(guest.room).status_code == 200
    reply = owner.act(guest.room, action="refresh")
    assert (reply.status_code, reply.json()) == (200, {"expires": 300})
    assert "Timestamp" in reply.headers


def test_leaving_is_a_204_without_a_body(owner: HawkClient, room: str) -> None:
    assert owner.join(room).status_code == 200
    reply = owner.act(room, action="leave")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers


@pytest.mark.parametrize(
    ("domains", "errno"), [("x", 107), ([None], 107), ([{"domain": "a"}], 107), ([{"count": 1}], 107), (None, 107)]
)
def test_domains_must_be_a_list_of_domains_with_counts(guest: Guest, domains: Any, errno: int) -> None:
    assert guest.act(action="logDomain", domains=domains).json()["errno"] == errno


def test_domains_are_logged(server: Served, guest: Guest) -> None:
    assert guest.act(action="logDomain", domains=[{"domain": "a.org", "count": 2}]).status_code == 204
    (line,) = [item for item in server.inputs() if item.kind == "log_domains" and item.room == guest.room]
    assert line.extra == {"domains": [{"domain": "a.org", "count": 2}]}


def test_a_deleted_room_is_a_404_for_everybody(server: Served, guest: Guest) -> None:
    assert server.native({"kind": "room_delete", "room": guest.room}, params={"wait": "decision"}).status_code == 200
    for reply in (guest.status(), guest.act(action="leave"), guest.server.http.post(f"/rooms/{guest.room}")):
        assert (reply.status_code, reply.json()) == (404, error(105, "Token not found.", 404))
