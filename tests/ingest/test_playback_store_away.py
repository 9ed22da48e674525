"""Playback while the store is out of reach: what is decided is answered as far as it goes, nothing else is promised."""

import uuid
from collections.abc import Iterator

import pytest

from storage.sqlite_log import SqliteLog
from tests.ingest.decider_loop import deciding
from tests.ingest.players import KEY, Player, kill
from tests.ingest.serving import Served, served, settings_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("store-away")
    log = SqliteLog(folder / "log.db", 4)
    with deciding(log), served(settings_for(folder, playback_jwt_key=KEY), log) as running:
        yield running
    log.close()


@pytest.fixture
def player(server: Served) -> Player:
    """Somebody new."""
    return Player(server.http, f"user-{uuid.uuid4().hex[:8]}")


def test_the_limit_holds_without_words_on_what_plays(player: Player) -> None:
    sessions = [player.started(), player.started()]
    refused = player.start()
    assert (refused.status_code, refused.json()["sessions"]) == (403, sessions)
    assert "Playing:" not in refused.json()["details"]


def test_a_session_can_be_ended_and_a_killed_one_hears_so(server: Served, player: Player) -> None:
    first, second = player.started(), player.started()
    assert player.ask("DELETE", f"{player.short}/{first}").status_code == 204
    kill(server, player.user, second)
    assert player.ask("PATCH", f"{player.short}/{second}").status_code == 403
    assert player.ask("PATCH", f"{player.short}/{first}").status_code == 404


def test_what_takes_the_store_is_a_503(player: Player) -> None:
    session = player.started()
    for reply in (
        player.ask("GET", player.all),
        player.put("mine"),
        player.ask("PATCH", f"{player.short}/{session}"),
    ):
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert "playback may start" in reply.json()["details"]
