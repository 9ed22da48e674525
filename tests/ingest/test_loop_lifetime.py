"""How long a participation lasts, and what is left of it: contract 2.9, and what operators do reaching Loop clients."""

import time
from collections.abc import Iterator

import pytest

from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import STATUS, Guest, HawkClient, Served
from tests.ingest.test_loop_status import error
from tests.ingest.whole_pipeline import wait_until, whole_pipeline

EXPIRED_TOKEN = error(110, "Invalid token; it may have expired.", 401)
GONE = error(111, "Participation has expired.", 410)
NOT_INSIDE = error(203, "Can't update status for a room you aren't in.")
NEVER_JOINED = error(203, "Unable to leave a room you have not joined.")
NOT_FOUND = error(105, "Token not found.", 404)
TTL_S = 2


@pytest.fixture(scope="module")
def brief(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A pipeline whose participations are short."""
    with whole_pipeline(tmp_path_factory.mktemp("brief"), embedded_store, participant_ttl_s=TTL_S) as running:
        yield running


def everything_is_over_for(guest: Guest, user: HawkClient) -> None:
    for action in ("refresh", "status", "leave", "logDomain", "join"):
        reply = guest.act(**{**STATUS, "action": action, "domains": []})
        assert (reply.status_code, reply.json()) == (401, EXPIRED_TOKEN)
    assert guest.server.http.get(f"/rooms/{guest.room}", headers=guest.headers).json() == EXPIRED_TOKEN
    assert user.act(guest.room, action="refresh").json() == GONE
    assert user.act(guest.room, **STATUS).json() == NOT_INSIDE
    assert user.act(guest.room, action="logDomain", domains=[]).json() == NOT_INSIDE
    for _ in range(2):
        assert user.act(guest.room, action="leave").json() == NEVER_JOINED


def participants(owner: HawkClient, room: str) -> list[str]:
    people = owner.request("GET", f"/rooms/{room}").json()["participants"]
    return [person["displayName"] for person in people]


def test_a_participation_that_nobody_renewed_expires_for_each_in_their_way(brief: Served) -> None:
    owner, user = HawkClient(brief), HawkClient(brief)
    room = owner.create_room()
    guest = Guest.joined(brief, room)
    assert user.join(room).json()["expires"] == TTL_S
    joined = owner.request("GET", f"/rooms/{room}").json()
    wait_until(lambda: participants(owner, room) == [], "both to expire")
    everything_is_over_for(guest, user)
    wait_until(lambda: owner.request("GET", f"/rooms/{room}").json()["ctime"] > joined["ctime"], "the change to show")
    assert user.join(room).status_code == 200
    assert user.act(room, action="refresh").status_code == 200


def test_only_a_refresh_or_a_join_renews(brief: Served) -> None:
    owner = HawkClient(brief)
    room = owner.create_room()
    refreshing, posting = Guest.joined(brief, room, displayName="a"), Guest.joined(brief, room, displayName="b")
    rejoining = HawkClient(brief)
    until_s = time.monotonic() + 2 * TTL_S
    while time.monotonic() < until_s:
        assert refreshing.act(action="refresh").json() == {"expires": TTL_S}
        posting.status()
        posting.act(action="logDomain", domains=[])
        brief.http.get(f"/rooms/{room}", headers=posting.headers)
        time.sleep(TTL_S / 8)
    assert participants(owner, room) == ["a"]
    assert posting.status().json() == EXPIRED_TOKEN
    assert rejoining.join(room).status_code == 200


def test_an_expired_participation_gives_its_seat_back(brief: Served) -> None:
    owner = HawkClient(brief)
    room = owner.create_room(maxSize=2)
    Guest.joined(brief, room)
    assert (
        brief.http.post(f"/rooms/{room}", json={"action": "join", "displayName": "x", "clientMaxSize": 5}).json()[
            "errno"
        ]
        == 202
    )
    wait_until(lambda: participants(owner, room) == [], "the seat to be free")
    Guest.joined(brief, room)


def test_a_kill_reaches_clients_as_an_expiry_does(pipeline: Served) -> None:
    owner, user = HawkClient(pipeline), HawkClient(pipeline)
    room = owner.create_room()
    guest = Guest.joined(pipeline, room)
    assert user.join(room).status_code == 200
    killed = pipeline.native({"kind": "kill", "room": room}, params={"wait": "decision"}).json()["decisions"]
    assert [(each["fact"], each["reason"]) for each in killed] == [("session_closed", "killed")]
    everything_is_over_for(guest, user)
    assert participants(owner, room) == []
    assert owner.join(room).status_code == 200


def test_a_kill_of_one_leaves_the_others(pipeline: Served) -> None:
    owner = HawkClient(pipeline)
    room = owner.create_room()
    first, second = Guest.joined(pipeline, room, displayName="a"), Guest.joined(pipeline, room, displayName="b")
    people = owner.request("GET", f"/rooms/{room}").json()["participants"]
    kill = {"kind": "kill", "room": room, "session": people[0]["roomConnectionId"]}
    assert pipeline.native(kill, params={"wait": "decision"}).status_code == 200
    assert first.status().json() == EXPIRED_TOKEN
    assert second.status().status_code == 204
    assert participants(owner, room) == ["b"]


def test_a_deletion_from_elsewhere_is_a_404_for_everybody(pipeline: Served) -> None:
    owner, user = HawkClient(pipeline), HawkClient(pipeline)
    room = owner.create_room()
    guest = Guest.joined(pipeline, room)
    assert user.join(room).status_code == 200
    delete = {"kind": "room_delete", "room": room}
    assert pipeline.native(delete, params={"wait": "decision"}).status_code == 200
    for reply in (guest.status(), guest.act(action="refresh"), user.act(room, action="leave"), user.join(room)):
        assert (reply.status_code, reply.json()) == (404, NOT_FOUND)
    for reply in (owner.request("PATCH", f"/rooms/{room}", {}), owner.request("DELETE", f"/rooms/{room}")):
        assert reply.json() == NOT_FOUND


def test_an_operators_update_shows_at_once(pipeline: Served) -> None:
    owner = HawkClient(pipeline)
    room = owner.create_room()
    end_ms = now_ms() + 3_600_000
    update = {
        "kind": "room_update",
        "room": room,
        "max_size": 1,
        "expires_at_ms": end_ms,
        "extra": {"room_name": "new"},
    }
    assert pipeline.native(update, params={"wait": "decision"}).status_code == 200
    seen = owner.request("GET", f"/rooms/{room}").json()
    assert (seen["maxSize"], seen["expiresAt"], seen["roomName"]) == (1, end_ms // 1000, "new")


def test_a_room_that_an_operator_made_is_joined_like_any_other(pipeline: Served) -> None:
    room = f"made-natively-{now_ms()}"
    assert pipeline.native({"kind": "room_create", "room": room}, params={"wait": "decision"}).status_code == 200
    guests = [Guest.joined(pipeline, room, clientMaxSize=9) for _ in range(7)]
    seen = pipeline.http.get(f"/rooms/{room}", headers=guests[0].headers).json()
    assert (seen["maxSize"], seen["clientMaxSize"], len(seen["participants"])) == (0, 9, 7)
