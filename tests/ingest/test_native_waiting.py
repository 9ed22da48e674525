"""POST /v1/inputs?wait=decision: what is answered once the inputs are judged."""

import httpx
import pytest

from tests.ingest.serving import Served

STATUS = {"room": "r", "session": "s", "event": "Session.connectionCreated", "state": "waiting", "connections": 1}
_rooms = iter(range(1_000_000))


@pytest.fixture
def room() -> str:
    """A room of the test's own, so that its inputs can be told from the others'."""
    return f"waiting-{next(_rooms)}"


def decisions_of(reply: httpx.Response) -> list[tuple[str, str]]:
    return [(decision["fact"], decision.get("verdict", "")) for decision in reply.json()["decisions"]]


def test_decisions_are_waited_for_and_come_in_the_order_of_the_inputs(server: Served, room: str) -> None:
    item = {**STATUS, "room": room}
    reply = server.native([item, {**item, "state": "nonsense"}, item], params={"wait": "decision"})
    assert reply.status_code == 200
    assert reply.json()["accepted"] == 3
    assert decisions_of(reply) == [
        ("status_judged", "diagram"),
        ("status_judged", "violation"),
        ("status_judged", "restart"),
    ]


def test_a_repeated_key_gets_the_earlier_answer(server: Served, room: str) -> None:
    opening = {"kind": "open", "room": room, "session": "s"}
    replies = [
        server.native(opening, params={"wait": "decision"}, headers={"Idempotency-Key": "opening"}) for _ in range(2)
    ]
    first, second = (reply.json()["decisions"][0] for reply in replies)
    assert first["fact"] == second["fact"] == "session_opened"
    assert first["at_ms"] == second["at_ms"]


def test_one_id_in_two_rooms_is_two_inputs(server: Served, room: str) -> None:
    items = [{"kind": "open", "room": f"{room}-{number}", "session": "s", "id": "one"} for number in range(2)]
    reply = server.native(items, params={"wait": "decision"})
    assert [decision["room"] for decision in reply.json()["decisions"]] == [f"{room}-0", f"{room}-1"]


def test_another_thing_to_wait_for_is_a_422(server: Served, room: str) -> None:
    assert server.native({**STATUS, "room": room}, params={"wait": "for-ever"}).status_code == 422
    assert [item for item in server.inputs() if item.room == room] == []
