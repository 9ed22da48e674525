"""The original server's own test cases for the actions in a room, over real HTTP: contract 3, in its order.

Where the original looked at its metrics log or at its storage, these look at the rows that became of the request.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

from storage.clock import now_ms
from tests.ingest.serving import Guest, HawkClient, Served
from tests.ingest.test_loop_status import error
from tests.ingest.whole_pipeline import wait_until

ACTIONS = "action should be one of join, refresh, status, leave, logDomain"
STATUS = {
    "action": "status",
    "event": "Session.connectionCreated",
    "state": "init",
    "connections": 2,
    "sendStreams": 1,
    "recvStreams": 1,
}
JOIN = {"action": "join", "displayName": "Alexis", "clientMaxSize": 2}
FULL = error(202, "The room is full.")
TOO_MANY = error(121, "Too many participants in the room for you to handle.")
NOT_INSIDE = error(203, "Can't update status for a room you aren't in.")
EIGHT_WEEKS_S = 8 * 7 * 86_400


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture
def room(owner: HawkClient) -> str:
    return owner.create_room(maxSize="3", expiresIn="10")


@pytest.fixture
def small_room(owner: HawkClient) -> str:
    return owner.create_room(maxSize=2)


@pytest.fixture
def somebody(pipeline: Served) -> Callable[[], HawkClient]:
    """New Hawk users."""
    return lambda: HawkClient(pipeline)


def shown(owner: HawkClient, room: str) -> dict[str, Any]:
    reply = owner.request("GET", f"/rooms/{room}")
    assert reply.status_code == 200
    body: dict[str, Any] = reply.json()
    return body


def fact_of(server: Served, session: str, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the session's first such row, once it is there."""

    def found() -> dict[str, Any] | None:
        facts = server.http.get(f"/v1/sessions/{session}").json().get("facts", [])
        return next((fact for fact in facts if is_it(fact)), None)

    fact: dict[str, Any] = wait_until(found, "the row")
    return fact


def anonymous(server: Served, room: str, **members: Any) -> Any:
    return server.http.post(f"/rooms/{room}", json={**JOIN, **members})


# The pipeline of checks


def test_a_hawk_user_without_an_action_is_told_which_there_are(owner: HawkClient, room: str) -> None:
    reply = owner.act(room)
    assert (reply.status_code, reply.json()) == (400, error(108, ACTIONS))


def test_the_action_is_asked_for_before_credentials(pipeline: Served, room: str) -> None:
    reply = pipeline.http.post(f"/rooms/{room}", json={})
    assert (reply.status_code, reply.json()) == (400, error(108, ACTIONS))


# status


def test_a_status_of_somebody_inside_is_taken_and_kept(owner: HawkClient, pipeline: Served, room: str) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    assert owner.act(room, **STATUS).status_code == 204
    (inside,) = shown(owner, room)["participants"]
    row = fact_of(pipeline, inside["roomConnectionId"], lambda fact: fact["fact"] == "status_judged")
    assert {name: row[name] for name in ("event", "state", "connections", "send_streams", "recv_streams")} == {
        "event": "Session.connectionCreated",
        "state": "init",
        "connections": 2,
        "send_streams": 1,
        "recv_streams": 1,
    }


def test_a_status_from_outside_is_refused(owner: HawkClient, room: str) -> None:
    reply = owner.act(room, **STATUS)
    assert (reply.status_code, reply.json()) == (400, NOT_INSIDE)


def test_an_unknown_state_is_taken_and_kept_as_it_was_sent(owner: HawkClient, pipeline: Served, room: str) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    assert owner.act(room, **{**STATUS, "state": "no such state"}).status_code == 204
    (inside,) = shown(owner, room)["participants"]
    row = fact_of(pipeline, inside["roomConnectionId"], lambda fact: fact["fact"] == "status_judged")
    assert (row["state"], row["verdict"], row["reason"]) == ("no such state", "violation", "unknown_state")


def test_a_status_of_nothing_is_told_the_first_member_that_it_lacks(owner: HawkClient, room: str) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    reply = owner.act(room, action="status")
    assert (reply.status_code, reply.json()) == (400, error(107, "'event' field is missing in body."))


@pytest.mark.parametrize("name", ["connections", "sendStreams", "recvStreams"])
@pytest.mark.parametrize("value", ["abc", -1, "-1"])
def test_a_counter_must_be_a_number_of_things(owner: HawkClient, room: str, name: str, value: Any) -> None:
    reply = owner.act(room, **{**STATUS, name: value})
    assert (reply.status_code, reply.json()) == (400, error(107, f"Invalid {name} number."))


# refresh


def test_a_refresh_leaves_the_same_participant_alone_inside(owner: HawkClient) -> None:
    began_s = now_ms() // 1000
    room = owner.create_room(maxSize="3", expiresIn="10")
    assert owner.act(room, **JOIN).status_code == 200
    (before,) = shown(owner, room)["participants"]
    time.sleep(1)
    reply = owner.act(room, action="refresh")
    assert (reply.status_code, reply.json()) == (200, {"expires": 300})
    after = shown(owner, room)
    assert after["participants"] == [before]
    assert after["creationTime"] >= began_s


def test_a_refresh_needs_credentials(pipeline: Served, room: str) -> None:
    reply = pipeline.http.post(f"/rooms/{room}", json={"action": "refresh"})
    assert (reply.status_code, reply.json()) == (401, error(110, "Unauthorized", 401))


def test_a_link_clicker_refreshes_and_looks_with_the_same_token(pipeline: Served, room: str) -> None:
    guest = Guest.joined(pipeline, room, clientMaxSize=2)
    assert guest.act(action="refresh").json() == {"expires": 300}
    seen = pipeline.http.get(f"/rooms/{room}", headers=guest.headers)
    assert seen.status_code == 200
    (inside,) = seen.json()["participants"]
    opened = fact_of(pipeline, inside["roomConnectionId"], lambda fact: fact["fact"] == "session_opened")
    assert opened["user_id"] == ""


# leave


def test_who_left_is_no_participant_any_more(owner: HawkClient, pipeline: Served, room: str) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    (inside,) = shown(owner, room)["participants"]
    assert owner.act(room, action="leave").status_code == 204
    assert shown(owner, room)["participants"] == []
    closed = fact_of(pipeline, inside["roomConnectionId"], lambda fact: fact["fact"] == "session_closed")
    assert closed["reason"] == "left"


def test_nobody_leaves_a_room_without_having_joined(owner: HawkClient, room: str) -> None:
    reply = owner.act(room, action="leave")
    assert (reply.status_code, reply.json()) == (400, error(203, "Unable to leave a room you have not joined."))


def test_the_token_of_who_left_is_revoked(pipeline: Served, room: str) -> None:
    guest = Guest.joined(pipeline, room)
    assert guest.act(action="leave").status_code == 204
    seen = pipeline.http.get(f"/rooms/{room}", headers=guest.headers)
    assert (seen.status_code, seen.json()) == (401, error(110, "Invalid token; it may have expired.", 401))


# join


def test_a_join_with_nothing_but_its_action_is_told_what_is_missing(
    owner: HawkClient, pipeline: Served, room: str
) -> None:
    missing = error(108, "Missing: displayName, clientMaxSize")
    assert owner.act(room, action="join").json() == missing
    assert pipeline.http.post(f"/rooms/{room}", json={"action": "join"}).json() == missing


def test_a_join_makes_one_participant(owner: HawkClient, room: str) -> None:
    reply = owner.act(room, **{**JOIN, "clientMaxSize": 10})
    assert reply.status_code == 200
    assert set(reply.json()) == {"apiKey", "expires", "sessionId", "sessionToken"}
    ((inside),) = shown(owner, room)["participants"]
    assert (inside["displayName"], inside["owner"]) == ("Alexis", True)


def test_a_client_of_one_is_one_too_few_for_who_is_inside(
    owner: HawkClient, somebody: Callable[[], HawkClient], pipeline: Served, room: str
) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    for reply in (somebody().act(room, **{**JOIN, "clientMaxSize": 1}), anonymous(pipeline, room, clientMaxSize=1)):
        assert (reply.status_code, reply.json()) == (400, TOO_MANY)


def test_two_clients_of_two_leave_no_seat_for_a_third(
    owner: HawkClient, somebody: Callable[[], HawkClient], pipeline: Served, room: str
) -> None:
    assert owner.act(room, **JOIN).status_code == 200
    assert somebody().act(room, **JOIN).status_code == 200
    for reply in (somebody().act(room, **{**JOIN, "clientMaxSize": 3}), anonymous(pipeline, room, clientMaxSize=3)):
        assert (reply.status_code, reply.json()) == (400, FULL)


def test_a_seat_is_kept_for_the_owner(owner: HawkClient, somebody: Callable[[], HawkClient], small_room: str) -> None:
    assert somebody().act(small_room, **JOIN).status_code == 200
    assert somebody().act(small_room, **JOIN).status_code == 400
    assert owner.act(small_room, **JOIN).status_code == 200


def test_who_is_inside_joins_again(owner: HawkClient, somebody: Callable[[], HawkClient], small_room: str) -> None:
    guest = somebody()
    for user in (owner, guest, owner, guest):
        assert user.act(small_room, **JOIN).status_code == 200
    assert len(shown(owner, small_room)["participants"]) == 2


def test_no_seat_is_kept_once_the_owner_is_inside(
    owner: HawkClient, somebody: Callable[[], HawkClient], small_room: str
) -> None:
    assert owner.act(small_room, **JOIN).status_code == 200
    assert somebody().act(small_room, **JOIN).status_code == 200


def test_a_join_changes_the_room_and_extends_it(
    owner: HawkClient, somebody: Callable[[], HawkClient], room: str
) -> None:
    before = shown(owner, room)
    assert before["expiresAt"] == pytest.approx(before["creationTime"] + 36_000, abs=1)
    joined_s = now_ms() // 1000
    assert somebody().act(room, **JOIN).status_code == 200
    after = shown(owner, room)
    assert after["ctime"] >= joined_s
    assert after["expiresAt"] >= joined_s + EIGHT_WEEKS_S


def test_an_anonymous_join_gets_the_same_four_members(pipeline: Served, room: str) -> None:
    reply = anonymous(pipeline, room)
    assert reply.status_code == 200
    assert set(reply.json()) == {"apiKey", "expires", "sessionId", "sessionToken"}
