"""The published flow, step by step, on a short lease: phone, set-top box, a zombie, and the clean-up."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.ingest.players import Player, playback
from tests.ingest.serving import Served

LEASE_S = 8
"""Long enough for what is done within it beside other work on the same cores."""
NOTICED_S = 2.0


@pytest.fixture(scope="module")
def server(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("playback-flow")
    with playback(folder, embedded_store, playback_ttl_s=LEASE_S, playback_limit=2) as running:
        yield running


def stay(server: Served, player: Player, session: str) -> dict[str, Any]:
    """Return what the store has of the session."""
    stays = server.http.get(f"/v1/rooms/{player.user}?room_kind=account").json()["sessions"]
    (found,) = [each for each in stays if each["session_id"] == session]
    return dict(found)


def live_rooms(server: Served) -> list[str]:
    rooms = server.http.get("/v1/rooms?live=true&room_kind=account").json()["rooms"]
    return [room["room"] for room in rooms]


def test_the_published_flow(server: Served) -> None:
    viewer = Player(server.http, "viewer", "/api/v1/media")
    # Idle.
    assert viewer.playing() == []
    # The set-top box starts, then the phone; they share a limit.
    box = viewer.started("shared")
    assert viewer.playing() == [box]
    phone = viewer.started("shared")
    assert viewer.playing() == [box, phone]
    # Both keep alive.
    assert viewer.ask("PATCH", f"{viewer.short}/{phone}").status_code == 200
    kept_ms = now_ms()
    assert viewer.ask("PATCH", f"{viewer.all}/{box}").status_code == 200
    # The set-top box is switched off, which nobody hears. The phone stops.
    assert viewer.ask("DELETE", f"{viewer.short}/{phone}").status_code == 204
    assert viewer.playing() == [box]
    # The zombie counts: one more may play, not two.
    tablet = viewer.started("shared")
    refused = viewer.start("shared")
    assert refused.status_code == 403
    assert refused.json()["sessions"] == [box, tablet]
    assert viewer.ask("DELETE", f"{viewer.short}/{tablet}").status_code == 204
    assert "viewer" in live_rooms(server)
    # The clean-up: gone from every list and count soon after the lease's end, and dated at that end.
    time.sleep(max(0.0, kept_ms / 1000 + LEASE_S + NOTICED_S - now_ms() / 1000))
    assert viewer.playing() == []
    assert live_rooms(server) == []
    gone = stay(server, viewer, box)
    assert gone["close_reason"] == "expired"
    assert gone["closed_at"] == gone["lease_ends_at"]
    ended_ms = datetime.fromisoformat(gone["closed_at"]).timestamp() * 1000
    assert kept_ms + LEASE_S * 1000 <= ended_ms <= kept_ms + LEASE_S * 1000 + 500
    # Its place is free again, and it is too late to keep it alive; the same id may come back.
    assert viewer.ask("PATCH", f"{viewer.short}/{box}").status_code == 404
    assert [viewer.start("shared").status_code for _ in range(3)] == [201, 201, 403]
    assert viewer.put(box, {"device_type": "another"}).status_code == 201


def test_who_keeps_alive_stays_beyond_the_lease(server: Served) -> None:
    viewer = Player(server.http, "faithful")
    by_patch, by_put = viewer.started(), "my-tv"
    assert viewer.put(by_put).status_code == 201
    for _ in range(2):
        time.sleep(LEASE_S * 0.6)
        assert viewer.ask("PATCH", f"{viewer.short}/{by_patch}").status_code == 200
        assert viewer.put(by_put).status_code == 200
    assert viewer.playing() == [by_patch, by_put]


def test_who_was_replaced_may_come_back_when_the_lease_would_have_ended(server: Served) -> None:
    viewer = Player(server.http, "impatient")
    assert viewer.put("sofa").status_code == 201
    opened_ms = now_ms()
    assert viewer.put("bed", replace="sofa").status_code == 201
    assert viewer.put("sofa").status_code == 403
    assert viewer.ask("PATCH", f"{viewer.short}/sofa").status_code == 403
    time.sleep(max(0.0, opened_ms / 1000 + LEASE_S + 0.1 - now_ms() / 1000))
    assert viewer.ask("PATCH", f"{viewer.short}/sofa").status_code == 404
    assert viewer.put("sofa").status_code == 201
