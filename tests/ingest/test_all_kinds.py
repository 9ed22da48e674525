"""What holds for rooms of every kind at once: one list, one kill, one end of a lease."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from storage.clock import now_ms
from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.ingest.controlled import TOKEN, Operator
from tests.ingest.players import ROOT, Player, playback
from tests.ingest.serving import STATUS, Guest, HawkClient, Served
from tests.ingest.streaming import NODES, Directory
from tests.ingest.whole_pipeline import wait_until_stored

LEASE_S = 8
NOTICED_S = 2.0


@pytest.fixture(scope="module")
def server(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("all-kinds")
    settings = {"management_token": TOKEN, "nodes": json.dumps(NODES), "playback_ttl_s": LEASE_S, "playback_limit": 2}
    with playback(folder, embedded_store, **settings) as running:
        yield running


@pytest.fixture
def manager(server: Served) -> Operator:
    return Operator(server)


def numbers_of(manager: Operator, **filters: str) -> list[int]:
    return [each["id"] for each in manager.listed(**filters)]


def wait_until_ms(at_ms: float) -> None:
    time.sleep(max(0.0, at_ms - now_ms()) / 1000)


def close_reasons(server: Served, room: str, room_kind: str) -> list[str]:
    stays = server.http.get(f"/v1/rooms/{room}", params={"room_kind": room_kind}).json()["sessions"]
    return [each["close_reason"] for each in stays]


def in_the_store(server: Served, sql: str) -> list[tuple[Any, ...]]:
    """Return what an analyst sees."""

    async def asked() -> list[tuple[Any, ...]]:
        async with await Store.connect(server.edge.settings.store_engine_url()) as store:
            return sorted(await store.rows(sql))

    return asyncio.run(asked())


def assert_barred(player: Player, session: str) -> None:
    """Hold the playback contract's own 403 against every way to keep a session alive."""
    paths = [f"{root}{form}" for root in ("", ROOT) for form in (player.all, player.short)]
    replies = [player.ask("PATCH", f"{path}/{session}") for path in paths]
    for reply in (*replies, player.put(session)):
        assert reply.status_code == 403, reply.text
        assert reply.headers["content-type"] == "application/json"
        body = reply.json()
        assert body.keys() == {"id", "code", "title", "details"}
        assert (type(body["id"]), body["title"]) == (int, "Session ended")
    assert player.ask("DELETE", f"{player.all}/{session}").status_code == 404


def test_one_list_and_one_kill_for_sessions_of_every_kind(server: Served, manager: Operator) -> None:
    room = HawkClient(server).create_room()
    guest, viewer, directory = Guest.joined(server, room), Player(server.http, "ada"), Directory(server)
    directory.publish("live/all", node="o2.example")
    directory.watch("live/all", "watcher")
    manager.open("native room", "native")
    box = viewer.started()
    listed = {each["stream"]: each for each in manager.listed(details="true")}
    kinds = {name: each["room_kind"] for name, each in listed.items()}
    assert kinds == {room: "call", "ada": "account", "live/all": "stream", "native room": "call"}
    assert directory.got("event/live/all/stats")["currentSubscribers"] == 1
    analysts_see = sorted((kind, name) for name, kind in kinds.items())
    for view in ("live_sessions", "live_rooms", "sessions", "rooms"):
        assert in_the_store(server, f"SELECT toString(room_kind), room_id FROM {view}") == analysts_see

    assert manager.delete([each["id"] for each in listed.values()]).json() == {"status": "Ok"}
    assert_barred(viewer, box)
    assert manager.listed() == []
    assert manager.get("server_status").json()["Connections"] == 0
    for members in (STATUS, {"action": "refresh"}, {"action": "leave"}):
        reply = guest.act(**members)
        assert (reply.status_code, reply.json()["errno"]) in ((401, 110), (400, 203))
    (refused,) = server.native(
        {"kind": "refresh", "room": "native room", "session": "native"}, params={"wait": "decision"}
    ).json()["decisions"]
    assert (refused["fact"], refused["reason"]) == ("refresh_refused", "killed")
    assert directory.got("event/live/all/stats")["currentSubscribers"] == 0
    assert [close_reasons(server, name, kind) for name, kind in kinds.items()] == [["killed"]] * 4
    assert in_the_store(server, "SELECT room_id FROM live_sessions") == []
    assert wait_until_stored(server)["balanced"]
    # It bans nobody.
    assert Guest.joined(server, room).status().status_code == 204
    assert viewer.started() != box


def test_a_killed_playback_session_is_barred_until_its_lease_would_have_ended(
    server: Served, manager: Operator
) -> None:
    viewer = Player(server.http, "barred")
    box = viewer.started()
    lease_ends_by_ms = now_ms() + LEASE_S * 1000
    assert manager.delete(numbers_of(manager, stream="barred")).json() == {"status": "Ok"}
    assert_barred(viewer, box)
    assert viewer.playing() == []
    wait_until_ms(lease_ends_by_ms + 1)
    for path in (viewer.all, viewer.short):
        assert viewer.ask("PATCH", f"{path}/{box}").status_code == 404
        assert viewer.ask("DELETE", f"{path}/{box}").status_code == 404
    assert viewer.put(box).status_code == 201


def test_a_box_that_is_switched_off_is_gone_from_every_list_count_and_limit(server: Served, manager: Operator) -> None:
    viewer, neighbour = Player(server.http, "switched-off"), Player(server.http, "neighbour")
    for player in (viewer, neighbour):
        player.started()
        player.started()
        assert player.start().status_code == 403
    ended_by_ms = now_ms() + LEASE_S * 1000
    assert len(numbers_of(manager, stream="switched-off")) == 2

    wait_until_ms(ended_by_ms + 1)
    assert neighbour.start().status_code == 201, "the limit counts no lease that is over, whoever has noticed its end"
    wait_until_ms(ended_by_ms + NOTICED_S * 1000)
    assert viewer.playing() == []
    assert numbers_of(manager, stream="switched-off") == []
    assert manager.get("server_status").json()["Connections"] == len(manager.listed())
    live = server.http.get("/v1/rooms", params={"live": "true", "room_kind": "account"}).json()["rooms"]
    assert "switched-off" not in {each["room"] for each in live}
    stays: list[dict[str, Any]] = server.http.get("/v1/rooms/switched-off?room_kind=account").json()["sessions"]
    assert [each["close_reason"] for each in stays] == ["expired", "expired"]
    for stay in stays:
        assert stay["closed_at"] == stay["lease_ends_at"]
        opened, closed = (datetime.fromisoformat(stay[name]) for name in ("opened_at", "closed_at"))
        assert (closed - opened).total_seconds() == LEASE_S
    assert [viewer.start().status_code for _ in range(3)] == [201, 201, 403]
