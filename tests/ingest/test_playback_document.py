"""docs/playback.md: what it tells people to type works, word for word."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures_store import EmbeddedStore
from tests.ingest.players import KEY, Player, playback
from tests.ingest.serving import Served

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "playback.md"


@pytest.fixture(scope="module")
def server(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with playback(tmp_path_factory.mktemp("playback-document"), embedded_store) as running:
        yield running


def block(language: str) -> str:
    """Return the only block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(found)


def test_the_session_with_curl_works(server: Served) -> None:
    variables = {"PATH": os.environ["PATH"], "ROOMSTATE_URL": server.url, "ROOMSTATE_PLAYBACK_JWT_KEY": KEY}
    command = ["bash", "-euo", "pipefail", "-c", block("sh")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    codes = re.findall(r"^\d{3}$", done.stdout, re.MULTILINE)
    assert codes == ["200", "201", "201", "403", "201", "403", "200", "204", "200"]
    lines = done.stdout.splitlines()
    assert lines[0] == '{"data":[]}'
    assert '"sessions":["den","hall"]' in done.stdout
    assert '"title":"Session replaced"' in done.stdout
    assert re.findall('"id":"([a-z]+)"', lines[-2]) == ["hall", "attic"]


def test_the_id_of_a_refusal_finds_its_row_and_who_was_in_the_way(
    server: Served, embedded_store: EmbeddedStore
) -> None:
    player = Player(server.http, "grace")
    playing = [player.started("tv"), player.started("tv")]
    number = player.start("tv").json()["id"]
    database = server.edge.settings.store_engine_url().rsplit("/", 1)[1]
    sql = block("sql").replace("log_offset * 8", f"log_offset * {server.edge.partitions}")
    found = embedded_store.run(sql.replace("{id:UInt64}", str(number)) + " FORMAT TSV", database).decode()
    (row,) = [line.split("\t") for line in found.splitlines()]
    assert row[1:5] == ["grace", "tv", "open_refused", "playback_limit"]
    assert re.findall(r"[0-9a-f-]{36}", row[5]) == playing
