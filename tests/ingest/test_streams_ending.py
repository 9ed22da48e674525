"""How streams end: with their leases, and by an administrator; and what polling them leaves behind."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import Served
from tests.ingest.streaming import ADMIN_TOKEN, Directory, directory_of, refusal
from tests.ingest.whole_pipeline import wait_until, wait_until_stored

LEASE_S = 4
AN_HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def leased(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """A directory of its own, whose publications are held by a short lease."""
    folder = tmp_path_factory.mktemp("leased")
    with directory_of(folder, embedded_store, stream_ttl_s=LEASE_S) as directory:
        yield directory


def facts_of(directory: Directory, room: str) -> list[tuple[str, str, int]]:
    """Return what the store has of a stream: fact, reason, milliseconds."""
    body = directory.server.http.get(f"/v1/rooms/{room}", params={"room_kind": "stream"}).json()
    return [(each["fact"], each["reason"], each["extra"].get("started_at_ms", 0)) for each in body["facts"]]


def is_listed(directory: Directory, room: str) -> bool:
    scope, _, name = room.rpartition("/")
    return name in {each["name"] for each in directory.listed(scope)}


def test_a_publication_ends_with_its_lease_and_is_dated_at_it(leased: Directory) -> None:
    room = "lease/one"
    published = leased.publish(room)
    lease_ends_at_ms = published["extra"]["lease_ends_at_ms"]
    assert lease_ends_at_ms == published["at_ms"] + LEASE_S * 1000
    assert is_listed(leased, room)

    def end() -> Any:
        body = leased.server.http.get(f"/v1/rooms/{room}", params={"room_kind": "stream"}).json()
        return next((each for each in body["facts"] if each["fact"] == "stream_unpublished"), None)

    ended = wait_until(end, "the publication to end")
    assert ended["reason"] == "expired"
    assert round(datetime.fromisoformat(ended["at"]).timestamp() * 1000) == lease_ends_at_ms
    refusal(leased.ask(f"event/{room}", action="subscribe"), 404)
    refusal(leased.ask(f"event/{room}/stats"), 404)
    assert not is_listed(leased, room)


def test_a_publication_that_is_renewed_goes_on(leased: Directory) -> None:
    room = "lease/renewed"
    began_ms = leased.publish(room)["at_ms"]
    for _ in range(4):
        time.sleep(LEASE_S / 3)
        leased.publish(room)
    assert now_ms() - began_ms > LEASE_S * 1000
    assert leased.got(f"event/{room}/stats")["startTime"] == began_ms
    assert [fact for fact, _, _ in facts_of(leased, room)] == ["stream_published"] * 5


def test_a_subscriber_whose_lease_ends_is_counted_no_longer(leased: Directory) -> None:
    room = "lease/watched"
    leased.publish(room, lease_ms=AN_HOUR_MS)
    leased.watch(room, "brief")
    leased.watch(room, "long", lease_ms=AN_HOUR_MS)
    assert leased.got(f"event/{room}/stats")["currentSubscribers"] == 2
    time.sleep(LEASE_S + 0.1)
    assert leased.got(f"event/{room}/stats")["currentSubscribers"] == 1


@pytest.mark.parametrize("shown", [{}, {"accessToken": ""}, {"accessToken": "wrong"}, {"accessToken": "ä\ud83d\ude00"}])
def test_clearing_takes_the_administrators_token(leased: Directory, shown: dict[str, str]) -> None:
    if "accessToken" in shown:
        shown = {"accessToken": shown["accessToken"].encode("utf-16", "surrogatepass").decode("utf-16")}
    leased.publish("kept/demo", lease_ms=AN_HOUR_MS)
    assert "accessToken" in refusal(leased.ask("admin/event", method="DELETE", **shown), 400)
    assert is_listed(leased, "kept/demo")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_clearing_removes_every_entry_in_early_versions(leased: Directory, version: str) -> None:
    rooms = [f"cleared/{name}" for name in "ab"]
    for room in rooms:
        leased.publish(room, lease_ms=AN_HOUR_MS)
    leased.watch(rooms[0], f"someone-{version}", lease_ms=AN_HOUR_MS)
    count = len(leased.got("event/list"))
    assert count >= 2
    reply = leased.ask("admin/event", version, "DELETE", accessToken=ADMIN_TOKEN)
    assert reply.status_code == 200
    assert (reply.json().keys(), reply.json()["count"]) == ({"count", "timestamp"}, count)
    assert leased.got("event/list") == []
    assert facts_of(leased, rooms[0])[-1][:2] == ("stream_unpublished", "cleared")
    again = leased.ask("admin/event", version, "DELETE", accessToken=ADMIN_TOKEN).json()
    assert again["count"] == 0
    leased.publish(rooms[0], lease_ms=AN_HOUR_MS)
    assert leased.got(f"event/{rooms[0]}/stats")["currentSubscribers"] >= 1, "whoever watched still does"


def test_clearing_from_3_on_leaves_what_is_active_unless_told(leased: Directory) -> None:
    leased.publish("active/demo", lease_ms=AN_HOUR_MS)
    for query in ({}, {"includeActive": "false"}):
        kept = leased.ask("admin/event", "3.1", "DELETE", accessToken=ADMIN_TOKEN, **query)
        assert (kept.status_code, kept.json()["count"]) == (200, 0)
    assert is_listed(leased, "active/demo")
    refusal(leased.ask("admin/event", "3.1", "DELETE", accessToken=ADMIN_TOKEN, includeActive="x"), 400)
    gone = leased.ask("admin/event", "4.0", "DELETE", accessToken=ADMIN_TOKEN, includeActive="true").json()
    assert gone["count"] >= 1
    assert not is_listed(leased, "active/demo")


def test_clearing_from_3_on_removes_what_has_ended_and_is_not_written_yet(leased: Directory) -> None:
    # The end of a lease is looked for twice a second, so an attempt may find all or some of the ends written.
    for attempt in range(10):
        items = [{"kind": "publish", "room": f"over/{attempt}-{n}", "lease_ms": 200} for n in range(20)]
        ends_ms = max(each["extra"]["lease_ends_at_ms"] for each in leased.decided(*items))
        time.sleep(max(0, ends_ms + 1 - now_ms()) / 1000)
        if count := leased.ask("admin/event", "3.1", "DELETE", accessToken=ADMIN_TOKEN).json()["count"]:
            break
    assert 0 < count <= 20
    facts = [fact for n in range(20) for fact in facts_of(leased, f"over/{attempt}-{n}")]
    assert [reason for fact, reason, _ in facts if fact == "stream_unpublished"] == ["expired"] * 20


def test_publishers_and_subscribers_are_spread_by_what_nodes_carry(leased: Directory) -> None:
    assert leased.ask("admin/event", "2.0", "DELETE", accessToken=ADMIN_TOKEN).status_code == 200
    one_by_one = [leased.publish(f"spread/{n}", lease_ms=AN_HOUR_MS)["extra"]["node"] for n in range(3)]
    assert one_by_one == ["o1.example", "o2.example", "o3.example"]
    items = [{"kind": "publish", "room": f"spread/at-once-{n}", "lease_ms": AN_HOUR_MS} for n in range(3)]
    assert {each["extra"]["node"] for each in leased.decided(*items)} == set(one_by_one)
    leased.unpublish("spread/1")
    for _ in range(3):
        assert leased.got("event/spread/next", action="broadcast")["serverAddress"] == "o2.example"
    path = "event/spread/2"
    assert leased.got(path, action="subscribe")["serverAddress"] == "e2.example"
    leased.watch("spread/2", "someone", node="e2.example", lease_ms=AN_HOUR_MS)
    assert leased.got(path, action="subscribe")["serverAddress"] == "e3.example"
    leased.watch("spread/0", "somebody else", node="e3.example", lease_ms=AN_HOUR_MS)
    leased.decided({"kind": "close", "room": "spread/2", "session": "someone"})
    assert leased.got(path, action="subscribe")["serverAddress"] == "e2.example"


def test_two_thousand_polls_of_a_missing_stream_leave_no_row(leased: Directory) -> None:
    before = wait_until_stored(leased.server)
    with httpx.Client(base_url=leased.server.url, timeout=20.0) as client:
        for number in range(2_000):
            path = "event/live/none" + ("/stats" if number % 2 else "?action=subscribe")
            assert client.get(f"/streammanager/api/2.0/{path}").status_code == 404
    reads = ("event/list", "event/list/stats", "event/live/none?action=broadcast")
    for path in reads:
        assert leased.server.http.get(f"/streammanager/api/2.0/{path}").status_code == 200
    after = wait_until_stored(leased.server)
    assert after["accepted"] == before["accepted"]
    assert leased.server.http.get("/v1/rooms/live/none", params={"room_kind": "stream"}).status_code == 404


@pytest.mark.parametrize("token", [None, ADMIN_TOKEN])
def test_without_log_and_store_everything_is_a_503_but_what_is_wrong_anyway(server: Served, token: str | None) -> None:
    away = Directory(server)
    for path in ("event/live/demo?action=broadcast", "event/live/demo?action=subscribe", "event/live/demo/stats"):
        reply = away.server.http.get(f"/streammanager/api/2.0/{path}")
        refusal(reply, 503)
        assert reply.headers["retry-after"]
    for path in ("event/list", "event/list/stats"):
        refusal(away.ask(path), 503)
    refusal(away.ask("event/live/demo"), 400)
    shown = {} if token is None else {"accessToken": token}
    refusal(away.ask("admin/event", method="DELETE", **shown), 400)
    published = server.native({"kind": "publish", "room_kind": "stream", "room": "live/demo"})
    assert published.status_code == 503
