"""The status action: contract 2.6, check by check, over real HTTP."""

import base64
import json
from typing import Any

import pytest

from state_machine.inputs import Input
from tests.ingest.serving import STATUS, Guest, HawkClient, Served, basic


def error(errno: int, text: str, code: int = 400) -> dict[str, Any]:
    return {"code": code, "errno": errno, "error": text}


def statuses(server: Served, room: str) -> list[Input]:
    return [item for item in server.inputs() if item.room == room and item.kind == "status"]


def test_a_status_is_answered_204_with_nothing_behind_it(guest: Guest) -> None:
    reply = guest.status()
    assert reply.status_code == 204
    assert reply.content == b""
    assert set(reply.headers) == {"date"}


def test_a_status_becomes_one_line_of_the_log_with_everything_that_it_said(server: Served, room: str) -> None:
    guest = Guest.joined(server, room)
    guest.headers["User-Agent"] = "Firefox"
    assert guest.status(event="Publisher.streamCreated", state="sending", connections=1, sendStreams=2).is_success
    (line,) = statuses(server, room)
    opened = next(item for item in server.inputs() if item.room == room and item.kind == "open")
    assert (line.event, line.state, line.connections, line.send_streams) == ("Publisher.streamCreated", "sending", 1, 2)
    assert (line.session, line.room_kind, line.implicit) == (opened.session, "call", False)
    assert (line.user_agent, line.client_ip) == ("Firefox", "127.0.0.1")


@pytest.mark.parametrize("has_colon", [True, False])
def test_basic_credentials_work_with_and_without_a_colon(server: Served, room: str, has_colon: bool) -> None:
    guest = Guest.joined(server, room)
    assert Guest(server, room, guest.token, has_colon).status().status_code == 204


def test_two_colons_make_another_name(server: Served, guest: Guest) -> None:
    guest.headers = {"Authorization": basic(guest.token + "::")}
    assert guest.status().status_code == 401


def test_basic_credentials_may_be_base64url_and_lack_padding(guest: Guest) -> None:
    credentials = base64.urlsafe_b64encode(guest.token.encode()).decode().rstrip("=")
    guest.headers = {"Authorization": f"bAsIc {credentials}"}
    assert guest.status().status_code == 204


MISSING = "'{}' field is missing in body."
INVALID = "Invalid {} number."
TABLE: list[tuple[dict[str, Any], set[str], str | None]] = [
    ({}, set(), None),
    ({}, {"event", "state", "connections", "sendStreams", "recvStreams"}, MISSING.format("event")),
    ({}, {"state", "connections"}, MISSING.format("state")),
    ({}, {"connections", "sendStreams"}, MISSING.format("connections")),
    ({"connections": "abc"}, {"sendStreams"}, MISSING.format("sendStreams")),
    ({}, {"recvStreams"}, MISSING.format("recvStreams")),
    ({"connections": "abc", "sendStreams": -1}, set(), INVALID.format("connections")),
    ({"connections": -1}, set(), INVALID.format("connections")),
    ({"sendStreams": "abc", "recvStreams": "abc"}, set(), INVALID.format("sendStreams")),
    ({"sendStreams": -1}, set(), INVALID.format("sendStreams")),
    ({"recvStreams": "abc"}, set(), INVALID.format("recvStreams")),
    ({"recvStreams": -1}, set(), INVALID.format("recvStreams")),
    ({"connections": None}, set(), INVALID.format("connections")),
    ({"connections": ""}, set(), INVALID.format("connections")),
    ({"connections": True}, set(), INVALID.format("connections")),
    ({"connections": {}}, set(), INVALID.format("connections")),
    ({"connections": []}, set(), INVALID.format("connections")),
    ({"connections": "-2x"}, set(), INVALID.format("connections")),
    ({"connections": "2"}, set(), None),
    ({"connections": "2abc"}, set(), None),
    ({"connections": 1.9}, set(), None),
    ({"connections": [7]}, set(), None),
    ({"connections": 1e300}, set(), None),
    ({"connections": "9" * 5000}, set(), None),
    ({"event": None, "state": None}, set(), None),
    ({"event": {"a": [1]}, "state": 5}, set(), None),
    ({"event": "x\u0000y", "state": "no such state"}, set(), None),
    ({"sessions": 2}, {"connections"}, None),
    ({"sessions": "abc"}, {"connections"}, INVALID.format("connections")),
    ({"sessionToken": "x", "anything": {"else": 1, "hasOwnProperty": 1}}, set(), None),
    ({"hasOwnProperty": 1}, set(), "Invalid hasOwnProperty."),
]


@pytest.mark.parametrize(("members", "absent", "refusal"), TABLE)
def test_each_member_is_checked_in_the_order_of_the_contract(
    guest: Guest, members: dict[str, Any], absent: set[str], refusal: str | None
) -> None:
    body = {name: value for name, value in {**STATUS, **members}.items() if name not in absent}
    reply = guest.act(**body)
    if refusal is None:
        assert reply.status_code == 204, reply.text
    else:
        assert (reply.status_code, reply.json()) == (400, error(107, refusal))


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        (0, 0),
        ("12x", 12),
        (1.9, 1),
        (-0.5, 0),
        (4294967296, 4294967295),
        (10**30, 1),
        ("9" * 400, 4294967295),
        (5e-7, 5),
    ],
)
def test_counters_are_read_as_the_original_read_them(server: Served, guest: Guest, sent: Any, counted: int) -> None:
    assert guest.status(recvStreams=sent).status_code == 204
    assert statuses(server, guest.room)[-1].recv_streams == counted


def test_of_a_counter_too_large_to_store_the_original_is_kept(server: Served, guest: Guest) -> None:
    assert guest.status(recvStreams=1 << 40, sendStreams="99999999999x").status_code == 204
    line = statuses(server, guest.room)[-1]
    assert line.extra == {"recvStreams": 1 << 40, "sendStreams": "99999999999x"}


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, "null"), (5, "5"), ({"a": [1, None]}, '{"a":[1,null]}'), ("x\u0000", "x\u0000"), ("", "")]
)
def test_an_event_of_any_kind_is_kept_as_it_was_sent(server: Served, guest: Guest, sent: Any, kept: str) -> None:
    assert guest.status(event=sent, state=sent).status_code == 204
    line = statuses(server, guest.room)[-1]
    assert (line.event, line.state) == (kept, kept)


def test_a_form_is_read_like_json(guest: Guest) -> None:
    reply = guest.server.http.post(f"/rooms/{guest.room}", data=STATUS, headers=guest.headers)
    assert reply.status_code == 204


@pytest.mark.parametrize("path", ["/rooms/{}", "/rooms/{}/", "/ROOMS/{}", "/v0/rooms/{}", "/V0/Rooms/{}/"])
def test_the_path_may_have_a_prefix_a_slash_behind_it_and_any_case(guest: Guest, path: str) -> None:
    reply = guest.server.http.post(path.format(guest.room), json=STATUS, headers=guest.headers)
    assert reply.status_code == 204


def test_a_hawk_user_inside_may_post_a_status(owner: HawkClient, room: str) -> None:
    assert owner.join(room).status_code == 200
    reply = owner.act(room, **STATUS)
    assert reply.status_code == 204
    assert "server-authorization" in reply.headers


def test_a_refused_status_leaves_nothing_in_the_log(server: Served, guest: Guest) -> None:
    guest.status(connections=-1)
    guest.headers = {"Authorization": basic("T1==forged")}
    guest.status()
    assert statuses(server, guest.room) == []


def test_a_status_after_leaving_is_refused_and_leaves_nothing(server: Served, guest: Guest) -> None:
    assert guest.act(action="leave").status_code == 204
    reply = guest.status()
    assert (reply.status_code, reply.json()) == (401, error(110, "Invalid token; it may have expired.", 401))
    assert statuses(server, guest.room) == []


def test_many_statuses_at_once_are_each_written_once(server: Served, room: str) -> None:
    guests = [Guest.joined(server, room) for _ in range(2)]
    body = json.dumps(STATUS)
    for number in range(50):
        guest = guests[number % 2]
        reply = server.http.post(
            f"/rooms/{room}",
            content=body.replace('"connections": 1', f'"connections": {number}'),
            headers={**guest.headers, "Content-Type": "application/json"},
        )
        assert reply.status_code == 204
    assert sorted(line.connections for line in statuses(server, room)) == list(range(50))
