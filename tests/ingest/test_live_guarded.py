"""The live page bound to other than loopback: its files are open, what they show asks for the token."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from storage.sqlite_log import SqliteLog
from tests.ingest.serving import API_TOKEN, Served, served, settings_for
from tests.ingest.watching import watching


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("guarded")
    log = SqliteLog(folder / "log.db", 4)
    with served(settings_for(folder, host="0.0.0.0"), log) as running:
        yield running
    log.close()


def test_without_the_token_the_page_is_refused_with_a_page_that_asks_for_it(guarded: Served) -> None:
    refused = guarded.http.get("/")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="roomstate"')
    assert "asks for its token" in refused.text
    let_in = guarded.http.get("/", headers={"Authorization": f"Bearer {API_TOKEN}"})
    assert (let_in.status_code, let_in.text) == (200, refused.text)
    assert guarded.http.get("/live/main.js").status_code == 200


@pytest.mark.parametrize("path", ["/v1/live", "/v1/panels", "/v1/panels/verdicts"])
def test_what_it_shows_asks_for_the_token(guarded: Served, path: str) -> None:
    assert guarded.http.get(path).status_code == 401
    assert guarded.http.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_who_has_the_token_watches(guarded: Served) -> None:
    with watching(guarded, Authorization=f"Bearer {API_TOKEN}") as watched:
        assert "store" in cast(dict[str, Any], watched.until("health"))["troubles"]
