"""The session control through the whole pipeline: what is listed, what is ended, and what the ended are told."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from state_machine.numbers import PARTITIONS_MAX
from storage.clock import now_ms
from tests.ingest.controlled import Operator
from tests.ingest.serving import STATUS, Guest, HawkClient

OK, ERROR = {"status": "Ok"}, {"status": "Error"}


def decided(operator: Operator, kind: str, room: str, session: str, room_kind: str = "call") -> dict[str, Any]:
    item = {"kind": kind, "room_kind": room_kind, "room": room, "session": session}
    found: dict[str, Any] = operator.server.native(item, params={"wait": "decision"}).json()["decisions"][0]
    return found


def test_a_listed_session_has_the_members_of_the_contract(operator: Operator) -> None:
    before = now_ms() // 1000
    number = operator.open(
        *("stream1", "s"),
        room_kind="stream",
        app="live",
        protocol="HLS",
        bytes_sent=20000,
        bytes_recv=100,
        client_ip="127.0.0.1",
        user_agent="Mozilla/5.0",
    )
    (found,) = operator.listed(stream="stream1")
    created, last_access = found.pop("created"), found.pop("last_access")
    assert before <= created <= last_access <= now_ms() / 1000
    assert found == {
        "id": number,
        "app": "live",
        "stream": "stream1",
        "type": "HLS",
        "client_ip": "127.0.0.1",
        "user_agent": "Mozilla/5.0",
        "bytes_sent": 20000,
        "bytes_recv": 100,
    }
    assert 0 < number < 1 << 53


def test_what_nobody_said_is_the_kind_of_the_room(operator: Operator) -> None:
    operator.open("who-1", "s", room_kind="account", service="vod")
    operator.open("who-2", "s")
    assert [(each["app"], each["type"]) for each in operator.listed(stream="who-1")] == [("vod", "account")]
    assert [(each["app"], each["type"]) for each in operator.listed(stream="who-2")] == [("call", "call")]


def test_ids_increase_in_a_partition_and_stay_what_they_are(operator: Operator) -> None:
    ids = [operator.open(f"ids-{number}", "s") for number in range(8)]
    assert len(set(ids)) == 8
    for partition in range(4):
        own = [number for number in ids if number % PARTITIONS_MAX == partition]
        assert own == sorted(own)
    assert operator.delete([ids[0]]).json() == OK
    again = operator.open("ids-0", "s")
    assert again > ids[0]
    assert {ids[1], again} <= {each["id"] for each in operator.listed()}


def test_lists_are_filtered_and_paged(operator: Operator) -> None:
    ids = sorted(operator.open("paged", f"s{number}", app="paging", user=f"u{number}") for number in range(5))
    pages, after = [], 0
    while page := operator.listed(app="paging", limit=2, after=after):
        pages.append([each["id"] for each in page])
        after = page[-1]["id"]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert [each["session"] for each in operator.listed(app="paging", user="u3", details="1")] == ["s3"]
    assert operator.listed(app="paging", room_kind="account") == []
    assert operator.listed(stream="paged", limit=0) == []


def test_a_killed_loop_client_is_out(operator: Operator) -> None:
    room = HawkClient(operator.server).create_room()
    guest = Guest.joined(operator.server, room)
    (found,) = operator.listed(stream=room)
    assert operator.delete([found["id"]]).json() == OK
    assert operator.listed(stream=room) == []
    reply = operator.server.http.post(f"/rooms/{room}", json=STATUS, headers=guest.headers)
    assert (reply.status_code, reply.json()["errno"]) in ((401, 110), (400, 203))


@pytest.mark.parametrize("room_kind", ["call", "account", "stream"])
def test_a_killed_session_cannot_be_refreshed_and_its_row_says_why(operator: Operator, room_kind: str) -> None:
    room = f"killed-{room_kind}"
    number = operator.open(room, "s", room_kind=room_kind)
    assert operator.delete([number]).json() == OK
    refused = decided(operator, "refresh", room, "s", room_kind)
    assert (refused["fact"], refused["reason"]) == ("refresh_refused", "killed")


def test_killing_again_is_ok_and_changes_nothing(operator: Operator) -> None:
    number = operator.open("twice", "killed-twice")
    with ThreadPoolExecutor(4) as pool:
        assert [reply.json() for reply in pool.map(operator.delete, [[number]] * 4)] == [OK] * 4
    assert operator.delete([number, number]).json() == OK
    headers = {"Authorization": "Bearer token-of-the-tests"}
    facts = operator.server.http.get("/v1/sessions/killed-twice", headers=headers).json()["facts"]
    assert [fact["fact"] for fact in facts].count("session_closed") == 1


def test_bad_ids_are_passed_over_and_the_good_ones_killed(operator: Operator) -> None:
    numbers = [operator.open("mixed", f"s{number}") for number in range(3)]
    body = [
        numbers[0],
        str(numbers[1]),
        1,
        -4,
        1.5,
        None,
        True,
        "x",
        {"id": numbers[2]},
        [numbers[2]],
        1 << 70,
        "9" * 40,
    ]
    assert operator.delete(body, content_type="application/x-www-form-urlencoded").json() == OK
    assert [each["id"] for each in operator.listed(stream="mixed")] == [numbers[2]]


def test_a_gigantic_list_kills_what_it_names(operator: Operator) -> None:
    number = operator.open("gigantic", "s")
    assert operator.delete([*range(1, 100_000), number]).json() == OK
    assert operator.listed(stream="gigantic") == []


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": [4]}', b"4", b"null", b"[4", b"\xff", b'"[4]"', b"[" * 9000])
def test_what_is_no_array_is_an_error(operator: Operator, body: bytes) -> None:
    reply = operator.delete_raw(body)
    assert (reply.status_code, reply.json()) == (200, ERROR)


def test_an_empty_list_is_ok(operator: Operator) -> None:
    reply = operator.delete([])
    assert (reply.status_code, reply.json()) == (200, OK)


def test_a_body_beyond_all_measure_is_refused(operator: Operator) -> None:
    reply = operator.delete_raw(b"[" + b"1," * (3 << 20) + b"1]")
    assert (reply.status_code, reply.json()) == (413, ERROR)


@pytest.mark.parametrize("parameters", [{"limit": "x"}, {"after": "-1"}, {"limit": 1 << 63}, {"details": "some"}])
def test_a_parameter_that_makes_no_sense_is_an_error(operator: Operator, parameters: dict[str, Any]) -> None:
    reply = operator.get(**parameters)
    assert (reply.status_code, reply.json()) == (400, ERROR)


def test_panels_are_told_how_many_sessions_there_are(operator: Operator) -> None:
    operator.open("polled", "s")
    status = operator.get("server_status").json()
    assert status["Connections"] == len(operator.listed())
    assert status["OutRate"] == 0
    assert status["SysInfo"]["ap"] > 0
