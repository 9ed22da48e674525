"""Hawk users: registration, the derivation that clients do, and every way in which a request can fail."""

import hashlib
import hmac
import re
from typing import Any

import httpx
import pytest

from ingest.loop.users import credentials_of
from storage.clock import now_ms
from tests.ingest.serving import STATUS, HawkClient, Served, basic

ROOM = {"roomName": "a room", "roomOwner": "Ada", "maxSize": 3}


def with_header(server: Served, header: str | None, path: str = "/rooms", body: Any = None) -> httpx.Response:
    headers = {} if header is None else {"Authorization": header}
    return server.http.post(path, json=ROOM if body is None else body, headers=headers)


def is_hawk_error(reply: httpx.Response, status: int, message: str) -> bool:
    body = reply.json()
    return (
        reply.status_code == status
        and (body["code"], body["errno"]) == (status, 110)
        and body["error"]["statusCode"] == status
        and body["error"]["message"] == message
    )


def test_registration_answers_with_a_token_in_a_header_and_nothing_else(server: Served) -> None:
    reply = server.http.post("/registration", json={"simplePushURLs": {"calls": "x"}})
    assert (reply.status_code, reply.content) == (200, b"")
    assert re.fullmatch("[0-9a-f]{64}", reply.headers["Hawk-Session-Token"])
    assert "Timestamp" in reply.headers


def test_the_derivation_is_hkdf_over_the_token() -> None:
    token = "00" * 32
    extracted = hmac.new(bytes(32), bytes.fromhex(token), hashlib.sha256).digest()
    info = b"identity.mozilla.com/picl/v1/sessionToken"
    first = hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()
    second = hmac.new(extracted, first + info + b"\x02", hashlib.sha256).digest()
    assert credentials_of(token) == (first.hex(), second.hex())


def test_the_log_holds_neither_token_nor_id_nor_key(server: Served) -> None:
    user = HawkClient(server)
    (line,) = [item for item in server.inputs() if item.kind == "register"][-1:]
    text = repr(line)
    assert user.credentials.hawk_id not in text
    assert user.credentials.key not in text
    assert line.room == line.user
    assert set(line.extra) == {"sealed_key"}


def test_a_registered_user_who_registers_again_stays_who_they_are(owner: HawkClient, server: Served) -> None:
    before = len([item for item in server.inputs() if item.kind == "register"])
    reply = owner.request("POST", "/registration", {})
    assert (reply.status_code, reply.content) == (200, b"")
    assert "server-authorization" in reply.headers
    assert len([item for item in server.inputs() if item.kind == "register"]) == before


@pytest.mark.parametrize("header", [None, "", basic("T1==x")])
def test_a_route_for_hawk_users_challenges_everybody_else(server: Served, header: str | None) -> None:
    reply = with_header(server, header)
    assert is_hawk_error(reply, 401, "Unauthorized")
    assert reply.headers["WWW-Authenticate"] == "Hawk"


@pytest.mark.parametrize(
    "header",
    [
        "Hawk",
        "Hawk x",
        'Hawk id="a"',
        'Hawk id="a", ts="1", nonce="b"',
        'Hawk id="a", id="b", ts="1", nonce="b", mac="c"',
        'Hawk id="a", ts="x", nonce="b", mac="c"',
        'Hawk id="a", ts="1", nonce="b", mac="c", colour="red"',
        'Hawk id="' + "a" * 5000 + '", ts="1", nonce="b", mac="c"',
    ],
)
def test_a_malformed_header_is_a_400_without_a_challenge(server: Served, room: str, header: str) -> None:
    for path in ("/rooms", f"/rooms/{room}"):
        reply = with_header(server, header, path)
        assert reply.status_code == 400, reply.text
        assert reply.json()["errno"] == 110
        assert isinstance(reply.json()["error"], dict)
        assert "WWW-Authenticate" not in reply.headers


def test_an_unknown_id_is_told(server: Served) -> None:
    reply = with_header(server, 'Hawk id="nobody", ts="1", nonce="b", mac="c"')
    assert is_hawk_error(reply, 401, "Unknown credentials")
    assert reply.headers["WWW-Authenticate"] == 'Hawk error="Unknown credentials"'
    assert "Timestamp" in reply.headers


def test_a_wrong_mac_is_told(owner: HawkClient, server: Served) -> None:
    header = owner.sender("POST", "/rooms").request_header
    reply = with_header(server, re.sub('mac="[^"]*"', 'mac="AAAA"', header))
    assert is_hawk_error(reply, 401, "Bad mac")
    assert reply.headers["WWW-Authenticate"] == 'Hawk error="Bad mac"'


def test_a_signature_for_another_path_is_a_wrong_mac(owner: HawkClient, server: Served) -> None:
    reply = with_header(server, owner.sender("POST", "/rooms/other").request_header)
    assert is_hawk_error(reply, 401, "Bad mac")


def test_a_changed_body_is_told(owner: HawkClient, server: Served) -> None:
    sender = owner.sender("POST", "/rooms", b'{"roomName":"x"}', "application/json")
    assert is_hawk_error(with_header(server, sender.request_header), 401, "Bad payload hash")


def test_a_body_that_was_not_hashed_is_accepted(owner: HawkClient, server: Served) -> None:
    assert with_header(server, owner.unhashed("POST", "/rooms")).status_code == 201


def test_a_nonce_is_good_for_one_request(owner: HawkClient, server: Served) -> None:
    header = owner.unhashed("POST", "/rooms")
    assert with_header(server, header).status_code == 201
    assert is_hawk_error(with_header(server, header), 401, "Invalid nonce")


@pytest.mark.parametrize("offset_s", [-3600, 3600])
def test_a_stale_timestamp_is_answered_with_the_right_time(owner: HawkClient, server: Served, offset_s: int) -> None:
    header = owner.unhashed("POST", "/rooms", _timestamp=now_ms() // 1000 + offset_s)
    reply = with_header(server, header)
    assert is_hawk_error(reply, 401, "Stale timestamp")
    challenge = re.fullmatch(
        r'Hawk ts="(\d+)", tsm="([^"]+)", error="Stale timestamp"', reply.headers["WWW-Authenticate"]
    )
    assert challenge is not None
    assert int(challenge[1]) == pytest.approx(int(reply.headers["Timestamp"]), abs=5)


def test_errors_of_a_hawk_user_are_signed_too(owner: HawkClient, room: str) -> None:
    reply = owner.act(room, action="dance")
    assert reply.status_code == 400
    assert "server-authorization" in reply.headers


def test_a_hawk_user_who_is_not_inside_is_told_so_once_the_store_says_it(owner: HawkClient, room: str) -> None:
    # Here the store is out of reach, and the contract has a reply for that.
    reply = owner.act(room, **STATUS)
    assert (reply.status_code, reply.json()) == (503, {"code": 503, "errno": 201, "error": "Service Unavailable"})
    assert reply.headers["Retry-After"] == "30"


def test_query_and_prefix_are_part_of_what_is_signed(owner: HawkClient, room: str) -> None:
    reply = owner.request("POST", f"/v0/ROOMS/{room}/?a=1&b=%20", {"action": "dance"})
    assert reply.status_code == 400
    assert reply.json()["errno"] == 107
