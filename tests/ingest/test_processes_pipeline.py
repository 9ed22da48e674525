"""Two ingest processes before a real processor and store, on either log: what one was told the other knows."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import httpx
import pytest

from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import STATUS, Guest, HawkClient, Served
from tests.ingest.two_processes import NAMES, Through, TwoProcesses
from tests.ingest.watching import watching
from tests.ingest.whole_pipeline import fresh_database, processing

ROUNDS = 5
NEW_ROOM = {"roomName": "a room", "roomOwner": "Ada", "maxSize": 3}


class Pair:
    """A connection through each of the two."""

    def __init__(self, two: TwoProcesses) -> None:
        self.two = two
        self.first, self.second = (cast(Served, two.through(name)) for name in NAMES)

    @property
    def both(self) -> tuple[Served, Served]:
        return self.first, self.second


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def pair(
    request: pytest.FixtureRequest, embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("two")
    log = {}
    if request.param == "kafka":
        broker = request.getfixturevalue("kafka_broker")
        log["log_url"] = f"{broker.url}?namespace=two-{uuid.uuid4().hex[:8]}&session_timeout_ms=2000"
    with fresh_database(embedded_store) as store_url, processing(folder, store_url, **log):
        two = TwoProcesses(folder, store_url=store_url, **log)
        two.until(lambda: httpx.get(f"{two.url}/readyz", timeout=20).status_code == 200)
        yield Pair(two)
        code = two.end()
    assert code == 0
    assert "Traceback" not in two.log


@pytest.fixture
def ada(pair: Pair) -> HawkClient:
    """A user who registered through the first process."""
    return HawkClient(pair.first)


def through(user: HawkClient, server: Served) -> HawkClient:
    """Return the same user on the other process' connection."""
    user.server = server
    return user


def sessions(pair: Pair, room: str) -> list[dict[str, object]]:
    """Return the room's sessions as the store has them."""
    found: list[dict[str, object]] = pair.second.http.get(f"/v1/rooms/{room}").json()["sessions"]
    return found


def test_a_user_registered_through_one_is_known_to_the_other_at_once(pair: Pair) -> None:
    for number in range(ROUNDS):
        here, there = pair.both[:: 1 if number % 2 else -1]
        room = through(HawkClient(here), there).create_room()
        assert here.http.get(f"/rooms/{room}").status_code == 200


def test_a_session_opened_through_one_posts_through_the_other_at_once(pair: Pair, ada: HawkClient) -> None:
    for number in range(ROUNDS):
        here, there = pair.both[:: 1 if number % 2 else -1]
        guest = Guest.joined(here, ada.create_room())
        guest.server = there
        assert guest.status().status_code == 204
        assert guest.act(action="leave").status_code == 204
        guest.server = here
        # Not the short way, which a status still on its way after a leave may take.
        late = here.http.post(f"/rooms/{guest.room}", content=b"{}", headers=guest.headers)
        assert late.status_code in (400, 401), late.text
        assert guest.act(action="refresh").status_code == 401


def test_a_status_goes_to_the_session_that_replaced_the_former_one(pair: Pair, ada: HawkClient) -> None:
    room = ada.create_room()
    for number in range(ROUNDS):
        here, there = pair.both[:: 1 if number % 2 else -1]
        assert through(ada, here).join(room).status_code == 200
        assert through(ada, there).act(room, **STATUS).status_code == 204
    answer = pair.first.native({"kind": "close", "room": room, "session": "nobody"}, params={"wait": "decision"})
    assert answer.status_code == 200  # and so everything before it is stored
    told = sessions(pair, room)
    assert [session["statuses"] for session in told] == [1] * ROUNDS


def test_a_replayed_request_is_refused_by_either(pair: Pair, ada: HawkClient) -> None:
    for number in range(4):
        here, there = pair.both[:: 1 if number % 2 else -1]
        header = {"Authorization": ada.unhashed("POST", "/rooms")}
        assert here.http.post("/rooms", json=NEW_ROOM, headers=header).status_code == 201
        for server in (there, here):
            replayed = server.http.post("/rooms", json=NEW_ROOM, headers=header)
            assert (replayed.status_code, replayed.json()["error"]["message"]) == (401, "Invalid nonce")


def test_the_same_key_through_both_is_decided_once(pair: Pair) -> None:
    def post(server: Served) -> httpx.Response:
        body = {"kind": "open", "room": room, "session": "ann"}
        return server.native(body, params={"wait": "decision"}, headers={"Idempotency-Key": "once"})

    for number in range(3):
        room = f"idempotent-{number}"
        with ThreadPoolExecutor(2) as pool:
            replies = list(pool.map(post, pair.both))
        assert {reply.status_code for reply in replies} == {200}
        first, second = (reply.json()["decisions"][0] for reply in replies)
        assert first["fact"] == second["fact"] == "session_opened"
        assert first["opened_at_ms"] == second["opened_at_ms"]


def test_a_room_takes_no_more_than_it_has_seats_for_through_both_together(pair: Pair, ada: HawkClient) -> None:
    room = ada.create_room(maxSize=3)
    body = {"action": "join", "displayName": "x", "clientMaxSize": 5}
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: httpx.post(f"{pair.two.url}/rooms/{room}", json=body, timeout=20), range(8)))
    assert sorted(reply.status_code for reply in replies) == [200] * 2 + [400] * 6  # one is the owner's


def test_both_show_the_same_numbers_and_the_lag_of_the_log(pair: Pair) -> None:
    posted = [{"room": f"counted-{number}", "session": "s", "event": "x", "state": "init"} for number in range(20)]
    for server in pair.both:
        assert server.native(posted, params={"wait": "decision"}).status_code == 200
    first, second = (cast(Through, server).metrics() for server in pair.both)
    accepted = 'roomstate_inputs{place="accepted"}'
    assert first[accepted] == second[accepted] >= 40
    assert first[accepted] == first['roomstate_inputs{place="stored"}']
    for partition in range(4):
        assert first[f'roomstate_lag_frames{{partition="{partition}"}}'] == 0
        assert first[f'roomstate_lag_seconds{{partition="{partition}"}}'] == 0
        assert (
            first[f'roomstate_log_end_offset{{partition="{partition}"}}']
            == first[f'roomstate_stored_offset{{partition="{partition}"}}'] + 1
        )


def test_a_stream_that_one_was_told_of_the_other_sends_subscribers_to(pair: Pair) -> None:
    path = "/streammanager/api/2.0/event/live/shared"
    for number in range(ROUNDS * 4):
        here, there = pair.both if number % 2 else reversed(pair.both)
        for kind, status, listed in (("publish", 200, 1), ("unpublish", 404, 0)):
            # What was just read must not stand in the way of what is told now.
            before = {there.http.get(path, params={"action": "subscribe"}).status_code for _ in range(2)}
            assert before == {404 if kind == "publish" else 200}
            item = {"kind": kind, "room_kind": "stream", "room": "live/shared"}
            assert here.native(item, params={"wait": "decision"}).status_code == 200
            assert there.http.get(path, params={"action": "subscribe"}).status_code == status
            assert len(there.http.get("/streammanager/api/2.0/event/list").json()) == listed


def test_who_watches_sees_what_is_posted_through_either(pair: Pair) -> None:
    rooms = [f"watched-{uuid.uuid4().hex[:8]}" for _ in pair.both]
    with watching(pair.first) as watched:  # on a new connection, which either of them accepts
        watched.until("snapshot")
        for room, server in zip(rooms, pair.both, strict=True):
            status = {"room": room, "session": "s", "event": "x", "state": "waiting", "connections": 1}
            assert server.native(status, params={"wait": "decision"}).status_code == 200
        while not all(("call", room, "s") in watched.sessions for room in rooms):
            watched.next()
    assert [watched.sessions["call", room, "s"][4:8] for room in rooms] == [["waiting", 1, 0, 0]] * 2
