"""What no client should send: wrong types everywhere, oversized, in disguise, with tokens of elsewhere. Never a 5xx."""

import itertools
import json
import re
import socket
from typing import Any

import httpx
import pytest

from ingest.keys import Keys
from ingest.tokens import SessionTokens
from storage.clock import now_ms
from tests.ingest.serving import STATUS, Guest, HawkClient, Served, basic
from tests.ingest.test_loop_rooms import ROOM
from tests.ingest.test_loop_status import error

EXPIRED = error(110, "Invalid token; it may have expired.", 401)
DEEP = json.loads("[" * 200 + "]" * 200)
ODD: list[Any] = [None, True, False, 0, -1, 1.5, 1e300, 10**30, "", "x" * 20_000, "\x00", "\U0001f600", [], [[]], {}]
ODD += [{"hasOwnProperty": 1}, {"__proto__": 1}, DEEP, "NaN", "Infinity", "0x10", " 1 ", [1, 2], ["1"]]
BODIES = {
    "create": ROOM,
    "change": {"roomOwner": "Ada", "maxSize": 2, "expiresIn": 5, "roomName": "x"},
    "context": {"roomOwner": "Ada", "maxSize": 2, "context": {"value": "v", "alg": "a", "wrappedKey": "k"}},
    "join": {"action": "join", "displayName": "x", "clientMaxSize": 2},
    "status": STATUS,
    "logDomain": {"action": "logDomain", "domains": [{"domain": "a", "count": 1}]},
}


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture(scope="module")
def crowded(owner: HawkClient, pipeline: Served) -> Guest:
    """Somebody in a room of one who can't be joined by others, so that nothing changes."""
    return Guest.joined(pipeline, owner.create_room())


def is_of_the_contract(reply: httpx.Response) -> bool:
    if reply.status_code < 400:
        return True
    body = reply.json()
    return set(body) == {"code", "errno", "error"} and body["code"] == reply.status_code and reply.status_code < 500


@pytest.mark.parametrize(("what", "member"), [(what, name) for what, body in BODIES.items() for name in body])
def test_no_value_of_any_member_upsets_anything(owner: HawkClient, crowded: Guest, what: str, member: str) -> None:
    for value in ODD:
        body = {**BODIES[what], member: value}
        if what in ("create", "context"):
            reply = owner.request("POST", "/rooms", body)
        elif what == "change":
            reply = owner.request("PATCH", f"/rooms/{crowded.room}", body)
        else:
            reply = crowded.act(**body)
        assert is_of_the_contract(reply), (value, reply.text)


def test_of_members_that_come_twice_the_last_counts(crowded: Guest) -> None:
    body = b'{"action":"dance",' + json.dumps(STATUS).encode()[1:-1] + b',"connections":"x","connections":"3"}'
    headers = {**crowded.headers, "Content-Type": "application/json"}
    reply = crowded.server.http.post(f"/rooms/{crowded.room}", content=body, headers=headers)
    assert reply.status_code == 204


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "utf-8-sig"])
def test_only_utf8_is_json(crowded: Guest, encoding: str) -> None:
    body = json.dumps({**STATUS, "event": "é"}, ensure_ascii=False).encode(encoding)
    headers = {**crowded.headers, "Content-Type": "application/json"}
    reply = crowded.server.http.post(f"/rooms/{crowded.room}", content=body, headers=headers)
    assert reply.status_code == (204 if encoding == "utf-8-sig" else 400)
    assert is_of_the_contract(reply)


def test_a_name_as_long_as_a_body_may_be_is_kept(owner: HawkClient, pipeline: Served) -> None:
    room = owner.create_room()
    guest = Guest.joined(pipeline, room, displayName="\U0001f600" * 20_000)
    (inside,) = pipeline.http.get(f"/rooms/{room}", headers=guest.headers).json()["participants"]
    assert inside["displayName"] == "\U0001f600" * 20_000


@pytest.mark.parametrize("size", [20_000, 60_000])
@pytest.mark.parametrize("scheme", ["Basic", "Hawk", "Bearer", 'Hawk id="'])
def test_gigantic_credentials_are_refused_as_any_bad_ones(crowded: Guest, scheme: str, size: int) -> None:
    for method, path in (("POST", f"/rooms/{crowded.room}"), ("GET", "/rooms")):
        reply = crowded.server.http.request(
            method, path, json=STATUS, headers={"Authorization": f"{scheme} {'x' * size}"}
        )
        assert reply.status_code in (400, 401)
        assert is_of_the_contract(reply)


@pytest.mark.parametrize("name", ["x" * 20_000, "%00", "%ff%fe", "..%2f..", "a%0ab", "%f0%9f%98%80", "';--", "%7b%7d"])
def test_tokens_of_any_characters_name_no_room(owner: HawkClient, pipeline: Served, name: str) -> None:
    for reply in (
        pipeline.http.get(f"/v0/rooms/{name}"),
        pipeline.http.post(f"/v0/rooms/{name}", json=STATUS),
        owner.request("DELETE", f"/v0/rooms/{name}"),
    ):
        assert reply.status_code == 404
        assert is_of_the_contract(reply)


def hawk_variants(header: str) -> list[str]:
    """Return the header with every field missing, empty, twice, and with something else in it."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', header))
    variants = []
    for name, own in fields.items():
        others = {other: value for other, value in fields.items() if other != name}
        text = ", ".join(f'{other}="{value}"' for other, value in others.items())
        variants.append(f"Hawk {text}")
        variants += [f'Hawk {text}, {name}="{value}"' for value in ("", "x", "é", "-1", "9" * 400, "\\", "0" * 64)]
        variants.append(f'Hawk {text}, {name}="{own}", {name}="{own}"')
        variants.append(f"Hawk {text}, {name}={own}")
    return variants


@pytest.mark.parametrize("path", ["/rooms", "/rooms/{room}"])
def test_every_field_of_a_hawk_header_missing_or_wrong_is_refused(owner: HawkClient, crowded: Guest, path: str) -> None:
    target = path.format(room=crowded.room)
    header = owner.sender("POST", target, b"{}", "application/json", ext="more").request_header
    for variant in hawk_variants(header):
        headers = {b"Authorization": variant.encode(), b"Content-Type": b"application/json"}
        reply = crowded.server.http.post(target, content=b"{}", headers=headers)
        assert reply.status_code in (400, 401), variant
        assert reply.json()["errno"] == 110, variant
        assert is_of_the_contract(reply)
        assert ("www-authenticate" in reply.headers) == (reply.status_code == 401)


@pytest.mark.parametrize("host", ["", "Host: [::1\r\n", "Host: a b\r\n", "Host: x:99999999\r\n"])
def test_a_signed_request_without_a_sound_host_is_refused(owner: HawkClient, host: str) -> None:
    header = owner.sender("GET", "/rooms").request_header
    version = "1.1" if host else "1.0"
    with socket.create_connection(("127.0.0.1", owner.server.port), 10) as connection:
        connection.sendall(f"GET /rooms HTTP/{version}\r\n{host}Authorization: {header}\r\n\r\n".encode())
        status = connection.recv(4096).split(b" ")[1]
    assert status in (b"400", b"401")


def tokens_that_are_no_good(pipeline: Served, owner: HawkClient, guest: Guest) -> list[str]:
    session = pipeline.edge.tokens.read(guest.token)
    assert session is not None
    elsewhere = SessionTokens(Keys.of(b"another secret")).issue(guest.room, session.session, now_ms())
    other_room = Guest.joined(pipeline, owner.create_room()).token
    deleted = Guest.joined(pipeline, owner.create_room())
    assert owner.request("DELETE", f"/rooms/{deleted.room}").status_code == 204
    return [
        elsewhere,
        other_room,
        deleted.token,
        "",
        "T1==",
        "T1==" + "A" * 200,
        guest.token[:-4],
        guest.token + "AAAA",
    ]


def test_tokens_of_elsewhere_open_nothing(pipeline: Served, owner: HawkClient) -> None:
    guest = Guest.joined(pipeline, owner.create_room())
    actions = ["refresh", "status", "leave", "logDomain", "join"]
    for token, action in itertools.product(tokens_that_are_no_good(pipeline, owner, guest), actions):
        headers = {"Authorization": basic(token)} if token else {"Authorization": "Basic"}
        reply = pipeline.http.post(f"/rooms/{guest.room}", json={**STATUS, "action": action}, headers=headers)
        assert (reply.status_code, reply.json()["errno"]) == (401, 110), (token, action)
    assert pipeline.http.get(f"/rooms/{guest.room}", headers={"Authorization": basic("T1==x")}).json() == EXPIRED
    assert guest.status().status_code == 204


def test_a_token_of_a_deleted_room_meets_its_404(pipeline: Served, owner: HawkClient) -> None:
    guest = Guest.joined(pipeline, owner.create_room())
    assert owner.request("DELETE", f"/rooms/{guest.room}").status_code == 204
    for action in ("refresh", "status", "leave", "join"):
        assert guest.act(**{**STATUS, "action": action}).json() == error(105, "Token not found.", 404)
