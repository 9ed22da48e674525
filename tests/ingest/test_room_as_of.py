"""GET /v1/rooms/{room}?at=…: who was in the room at a moment; what is no moment is refused in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.native.moments import OddMoment, moment_ms
from storage.clock import now_ms
from tests.ingest.serving import Served
from tests.ingest.test_explained import decided

_numbers = iter(range(1_000_000))


@pytest.fixture
def name() -> str:
    return f"then-{next(_numbers)}"


def then(server: Served, room: str, at: str, **params: Any) -> dict[str, Any]:
    reply = server.http.get(f"/v1/rooms/{room}", params={"at": at, **params})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def test_the_room_is_told_as_it_was(pipeline: Served, name: str) -> None:
    status = {"room": name, "session": "ann", "event": "e", "state": "sending", "connections": 1, "send_streams": 1}
    decided(
        pipeline,
        {"kind": "room_create", "room": name, "roomName": "tea"},
        {"kind": "open", "room": name, "session": "ann"},
    )
    decided(pipeline, status)
    decided(
        pipeline, {"kind": "close", "room": name, "session": "ann"}, {"kind": "open", "room": name, "session": "bob"}
    )
    told = pipeline.http.get(f"/v1/rooms/{name}").json()
    created, (ann, bob) = told["facts"][0]["at"], told["sessions"]
    sent = [fact for fact in pipeline.http.get("/v1/sessions/ann").json()["facts"] if fact["room_id"] == name][1]["at"]
    before = datetime.fromisoformat(created) - timedelta(milliseconds=1)
    assert then(pipeline, name, before.isoformat()) == {
        **{"room_kind": "call", "room": name, "at": before.isoformat().replace("+00:00", "Z"), "attributes": None},
        **{"people": 0, "sessions": [], "next_sessions": None, "note": None},
    }
    body = then(pipeline, name, sent)
    assert (body["at"], body["attributes"]["roomName"], body["people"]) == (sent, "tea", 1)
    (inside,) = body["sessions"]
    assert inside == {
        **{"session_id": "ann", "user_id": "", "state": "sending", "state_since": sent, "connections": 1},
        **{"send_streams": 1, "recv_streams": 0, "opened_at": ann["opened_at"], "ends_at": ann["closed_at"]},
        "close_reason": "left",
    }
    (inside,) = then(pipeline, name, bob["opened_at"])["sessions"]
    assert (inside["session_id"], inside["state"], inside["close_reason"]) == ("bob", "init", "")
    assert inside["ends_at"] == bob["lease_ends_at"]


def test_a_moment_may_be_written_in_several_ways(pipeline: Served, name: str) -> None:
    decided(pipeline, {"kind": "open", "room": name, "session": "ann"})
    opened_at = datetime.fromisoformat(pipeline.http.get(f"/v1/rooms/{name}").json()["sessions"][0]["opened_at"])
    milliseconds = opened_at.astimezone(UTC).isoformat(timespec="milliseconds")
    texts = [
        str(round(opened_at.timestamp() * 1000)),
        milliseconds,
        milliseconds.replace("+00:00", "Z"),
        milliseconds.replace("+00:00", ""),
        milliseconds.replace("+00:00", " 00:00"),
        milliseconds.replace("T", " ").replace("+00:00", ""),
        (opened_at + timedelta(hours=2)).isoformat(timespec="milliseconds").replace("+00:00", "+02:00"),
    ]
    assert {then(pipeline, name, text)["people"] for text in texts} == {1}
    assert {then(pipeline, name, text)["at"] for text in texts} == {then(pipeline, name, texts[0])["at"]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *(
            (text, "at: a moment as 2026-05-01T20:00:00.000Z, or")
            for text in ("", "yesterday", "2026-13-01", "1e12", "-5")
        ),
        *(
            (text, "at: a moment as")
            for text in ("2026-05-01T25:00", "\u0661\u0662", "2026-05-01T20:00:00+99:00", "x" * 5000)
        ),
        ("1790000000", "at: epoch milliseconds are wanted, and this would be seconds"),
        ("99999999999999999999", "at: lies in the future"),
        ("9999-12-31T23:59:59", "at: lies in the future"),
        ("1969-12-31T23:59:59", "at: lies before 1970"),
        ("0001-01-01T00:00:00+14:00", "at: "),
    ],
)
def test_what_is_no_moment_is_a_400_in_words(pipeline: Served, name: str, text: str, why: str) -> None:
    decided(pipeline, {"kind": "open", "room": name, "session": "ann"})
    reply = pipeline.http.get(f"/v1/rooms/{name}", params={"at": text})
    assert (reply.status_code, reply.json()["detail"].startswith(why)) == (400, True), reply.text


def test_clocks_may_differ_a_little() -> None:
    now = now_ms()
    assert moment_ms(str(now + 59_000), now) == now + 59_000
    with pytest.raises(OddMoment):
        moment_ms(str(now + 61_000), now)


def test_a_room_that_nobody_knows_is_a_404_and_one_of_another_kind_too(pipeline: Served, name: str) -> None:
    at = str(now_ms())
    assert pipeline.http.get(f"/v1/rooms/{name}", params={"at": at}).status_code == 404
    decided(pipeline, {"kind": "open", "room": name, "session": "ann"})
    assert pipeline.http.get(f"/v1/rooms/{name}", params={"at": at, "room_kind": "account"}).status_code == 404
    assert pipeline.http.get(f"/v1/rooms/{name}", params={"at": at, "limit": 0}).status_code == 422


def test_many_people_come_in_pages(pipeline: Served, name: str) -> None:
    decided(pipeline, *({"kind": "open", "room": name, "session": f"s{number}"} for number in range(5)))
    at = pipeline.http.get(f"/v1/rooms/{name}").json()["sessions"][-1]["opened_at"]
    first = then(pipeline, name, at, limit=3)
    assert (first["people"], len(first["sessions"])) == (5, 3)
    assert first["note"] == (
        f"sessions are cut after 3 of 5: ask again with sessions_after={first['next_sessions']} for those that follow."
    )
    rest = then(pipeline, name, at, limit=3, sessions_after=first["next_sessions"])
    assert (len(rest["sessions"]), rest["next_sessions"], rest["note"]) == (2, None, None)
