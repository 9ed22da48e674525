"""POST /v1/inputs: what is taken, what is refused and why."""

import gzip
import json
import time
from typing import Any

import pytest

from state_machine.inputs import Input
from tests.ingest.serving import API_TOKEN, Served

BEARER = {"Authorization": f"Bearer {API_TOKEN}"}
NDJSON = {**BEARER, "Content-Type": "application/x-ndjson"}
STATUS = {
    "room": "r",
    "session": "s",
    "event": "Session.connectionCreated",
    "state": "waiting",
    "connections": 1,
    "sendStreams": 0,
    "recvStreams": 0,
}
_rooms = iter(range(1_000_000))


@pytest.fixture
def room() -> str:
    """A room of the test's own, so that its inputs can be told from the others'."""
    return f"native-{next(_rooms)}"


def written(server: Served, room: str) -> list[Input]:
    return [item for item in server.inputs() if item.room == room]


def accepted(count: int, *refused: tuple[int, str]) -> dict[str, Any]:
    return {"accepted": count, "refused": [{"index": index, "error": error} for index, error in refused]}


def test_one_object_is_one_input(server: Served, room: str) -> None:
    reply = server.native({**STATUS, "room": room})
    assert (reply.status_code, reply.json()) == (200, accepted(1))
    (item,) = written(server, room)
    assert (item.kind, item.room_kind, item.event, item.connections) == ("status", "call", STATUS["event"], 1)
    assert item.implicit
    assert item.received_at_ms > 0


def test_an_array_is_written_in_its_order(server: Served, room: str) -> None:
    reply = server.native([{**STATUS, "room": room, "connections": number} for number in range(100)])
    assert reply.json() == accepted(100)
    assert [item.connections for item in written(server, room)] == list(range(100))


def test_every_line_of_ndjson_stands_for_itself(server: Served, room: str) -> None:
    lines = [json.dumps({**STATUS, "room": room}), "{", "", "5", json.dumps({**STATUS, "room": room, "seq": 2})]
    reply = server.http.post("/v1/inputs", content="\r\n".join(lines), headers=NDJSON)
    assert reply.status_code == 200
    assert reply.json()["accepted"] == 2
    assert [refused["index"] for refused in reply.json()["refused"]] == [1, 2]
    assert reply.json()["refused"][1]["error"] == "an input is a JSON object"


def test_both_spellings_of_the_counters_are_read(server: Served, room: str) -> None:
    server.native({**STATUS, "room": room, "sendStreams": 3, "recvStreams": 4})
    body = {name: value for name, value in STATUS.items() if not name.endswith("Streams")}
    server.native({**body, "room": room, "send_streams": 5, "recv_streams": 6})
    assert [(item.send_streams, item.recv_streams) for item in written(server, room)] == [(3, 4), (5, 6)]


def test_every_member_arrives_and_unknown_ones_travel_along(server: Served, room: str) -> None:
    members = {
        "kind": "status",
        "room_kind": "stream",
        "room": room,
        "session": "s",
        "event": "e",
        "state": "sending",
        "id": "an-id",
        "seq": 7,
        "occurred_at_ms": 5,
        "user": "u",
        "device_type": "stb",
        "app": "a",
        "service": "live",
        "client_ip": "192.0.2.1",
        "user_agent": "agent",
        "bytes_sent": 10,
        "bytes_recv": 11,
        "lease_ms": 500,
    }
    unknown = {"colour": "red", "received_at_ms": 1, "nested": {"a": [None]}}
    assert server.native({**members, **unknown}).json() == accepted(1)
    (item,) = written(server, room)
    assert {name: getattr(item, name) for name in members} == members
    assert item.extra == unknown
    assert item.received_at_ms > 1


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"kind": "dance"}, "kind: 'dance' is none of"),
        ({"kind": "register"}, "kind: 'register' is none of"),
        ({"kind": 5}, "kind: Expected `str`, got `int`"),
        ({"room_kind": "flat"}, "room_kind: 'flat' is none of call, account, stream"),
        ({"room": None}, "room: Expected `str`, got `null`"),
        ({"room": ""}, "room: Expected `str` of length >= 1"),
        ({"room": "x" * 1001}, "room: Expected `str` of length <= 1000"),
        ({"session": ""}, "session: a status needs one"),
        ({"kind": "open", "session": ""}, "session: a open needs one"),
        ({"event": None}, "event: a status needs one"),
        ({"state": 5}, "state: Expected `str | null`, got `int`"),
        ({"connections": "1"}, "connections: Expected `int`, got `str`"),
        ({"connections": 1.5}, "connections: Expected `int`, got `float`"),
        ({"connections": True}, "connections: Expected `int`, got `bool`"),
        ({"connections": -1}, "connections: Expected `int` >= 0"),
        ({"send_streams": 1}, "sendStreams: given twice, also as send_streams"),
        ({"seq": 1 << 64}, "seq: Expected `int` <= 9223372036854775807"),
        ({"seq": 10**30}, "seq: "),
        ({"occurred_at_ms": 9_000_000_000_000}, "occurred_at_ms: Expected `int` <= 8999999999999"),
        ({"occurred_at_ms": -1}, "occurred_at_ms: Expected `int` >= 0"),
        ({"extra": []}, "extra: Expected `object`, got `array`"),
        ({"note": "x" * 262_144}, "the input has "),
    ],
)
def test_an_input_that_is_wrong_is_refused_by_its_index_and_the_others_are_taken(
    server: Served, room: str, members: dict[str, Any], error: str
) -> None:
    good = {**STATUS, "room": room}
    reply = server.native([good, {**good, **members}, good])
    assert reply.status_code == 200
    assert reply.json()["accepted"] == 2
    (refused,) = reply.json()["refused"]
    assert refused["index"] == 1
    assert refused["error"].startswith(error)
    assert len(written(server, room)) == 2


def test_missing_members_are_named(server: Served) -> None:
    reply = server.native([{}, {"room": "r"}, {"room": "r", "session": "s", "event": "e"}])
    assert reply.status_code == 422
    assert [refused["error"] for refused in reply.json()["refused"]] == [
        "Object missing required field `room`",
        "session: a status needs one",
        "state: a status needs one",
    ]


def test_large_counters_are_kept_as_the_largest_that_is_stored(server: Served, room: str) -> None:
    assert server.native({**STATUS, "room": room, "connections": 1 << 40}).json() == accepted(1)
    (item,) = written(server, room)
    assert (item.connections, item.extra) == ((1 << 32) - 1, {"connections": 1 << 40})


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"conections": 1}, "connections"),
        ({"sendStream": 1}, "send_streams"),
        ({"occurredAtMs": 5}, "occurred_at_ms"),
        ({"User-Agent": "x"}, "user_agent"),
        ({"colour": "red", "note": 1, "x" * 5000: 1}, None),
    ],
)
def test_a_member_that_looks_misspelt_is_kept_and_hinted_at(
    server: Served, room: str, sent: dict[str, Any], meant: str | None
) -> None:
    good = {**STATUS, "room": room}
    reply = server.native([good, {**good, **sent}])
    (name, *_) = sent
    hints = [{"index": 1, "hint": f"{name} is kept in extra; was {meant} meant?"}]
    assert reply.json() == {**accepted(2), **({"hints": hints} if meant else {})}
    assert written(server, room)[1].extra == sent


def test_hints_do_not_hold_up_a_body_of_strange_names(server: Served, room: str) -> None:
    item = {"room": room, "session": "s", "event": "e", "state": "init"}
    items = [{**item, f"conection{number}-{half}": 1} for number in range(4_000) for half in range(2)]
    began_s = time.monotonic()
    reply = server.native(items)
    assert time.monotonic() - began_s < 5
    assert reply.json()["accepted"] == 8_000


def test_an_error_names_a_member_as_its_sender_spelled_it(server: Served, room: str) -> None:
    plain = {name: value for name, value in STATUS.items() if name != "sendStreams"}
    for name in ("sendStreams", "send_streams"):
        reply = server.native({**plain, "room": room, name: -1})
        assert reply.json() == accepted(0, (0, f"{name}: Expected `int` >= 0"))


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"\xff", b'{"room":"\\ud800"}', b"[" * 100_000, b"nonsense", b'{"room":"r"}{"room":"r"}'],
)
def test_what_is_no_json_is_a_422_that_says_so(server: Served, content: bytes) -> None:
    reply = server.http.post("/v1/inputs", content=content, headers={**BEARER, "Content-Type": "application/json"})
    assert reply.status_code == 422
    assert reply.json()["accepted"] == 0
    assert reply.json()["refused"][0]["error"].startswith("not JSON that can be read")


@pytest.mark.parametrize("value", [5, "x", [[]], [5], True])
def test_what_is_no_object_is_refused(server: Served, value: Any) -> None:
    reply = server.native(value)
    assert (reply.status_code, reply.json()) == (422, accepted(0, (0, "an input is a JSON object")))


def test_nul_and_astral_characters_are_kept(server: Served, room: str) -> None:
    assert server.native({**STATUS, "room": room, "event": "\x00 \U0001f600"}).json() == accepted(1)
    assert written(server, room)[0].event == "\x00 \U0001f600"


def test_an_empty_array_is_nothing_to_refuse(server: Served) -> None:
    reply = server.native([])
    assert (reply.status_code, reply.json()) == (200, accepted(0))


def test_ten_thousand_inputs_are_taken_and_no_more(server: Served, room: str) -> None:
    item = {**STATUS, "room": room}
    assert server.native([item] * 10_000).json() == accepted(10_000)
    assert server.native([item] * 10_001).status_code == 413
    assert len(written(server, room)) == 10_000


def test_eight_mebibytes_are_taken_and_no_more(server: Served, room: str) -> None:
    item = json.dumps({**STATUS, "room": room, "note": "x" * 200_000})
    body = "\n".join([item] * 40)
    assert server.http.post("/v1/inputs", content=body, headers=NDJSON).json() == accepted(40)
    assert server.http.post("/v1/inputs", content=body + "\n" * 600_000, headers=NDJSON).status_code == 413


def test_a_packed_body_is_unpacked(server: Served, room: str) -> None:
    content = gzip.compress(json.dumps({**STATUS, "room": room}).encode())
    headers = {**BEARER, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert server.http.post("/v1/inputs", content=content, headers=headers).json() == accepted(1)


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Content-Encoding": "br"}]
)
def test_another_type_or_packing_is_a_415(server: Served, headers: dict[str, str]) -> None:
    reply = server.http.post("/v1/inputs", content=b"{}", headers={**BEARER, **headers})
    assert reply.status_code == 415


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", f"Token {API_TOKEN}", "Basic eDp5"])
def test_writing_needs_the_token(server: Served, room: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    reply = server.http.post("/v1/inputs", json={**STATUS, "room": room}, headers=headers)
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert written(server, room) == []


def test_an_idempotency_key_is_the_inputs_id(server: Served, room: str) -> None:
    item = {**STATUS, "room": room}
    assert server.native(item, headers={"Idempotency-Key": "key-1"}).json() == accepted(1)
    assert server.native({**item, "id": "key-1"}, headers={"Idempotency-Key": "key-1"}).json() == accepted(1)
    assert server.native({**item, "id": "other"}, headers={"Idempotency-Key": "key-1"}).status_code == 422
    assert server.native([item, item], headers={"Idempotency-Key": "key-1"}).status_code == 400
    assert [line.id for line in written(server, room)] == ["key-1", "key-1"]
