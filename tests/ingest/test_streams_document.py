"""docs/streams.md: what it tells people to type works, word for word."""

import json
import os
import re
import subprocess
from pathlib import Path

from state_machine.room import Rules
from storage.settings import Settings
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import API_TOKEN
from tests.ingest.streaming import ADMIN_TOKEN, NODES
from tests.ingest.whole_pipeline import whole_pipeline

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "streams.md"


def test_the_session_with_curl_works(embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    with whole_pipeline(tmp_path, embedded_store, nodes=json.dumps(NODES), admin_token=ADMIN_TOKEN) as server:
        environment = {
            "PATH": os.environ["PATH"],
            "ROOMSTATE_URL": server.url,
            "TOKEN": API_TOKEN,
            "ADMIN": ADMIN_TOKEN,
        }
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = [json.loads(part) for part in re.sub(r"}(\d{3})\n", r"}\n\1\n", done.stdout).splitlines()]
    stream = {"name": "tea", "scope": "/live"}
    broadcast = {**stream, "serverAddress": "o1.example", "region": "us"}
    assert printed[:3] == [broadcast, 200, {**stream, "serverAddress": "e1.example", "region": "us"}]
    assert printed[3] == 200
    began_ms = printed[4].pop("startTime")
    assert printed[4] == {**broadcast, "currentSubscribers": 1}
    assert printed[5:7] == [[broadcast], 200]
    assert (printed[7]["errorMessage"], printed[8]) == ("the stream /live/tea is not published", 404)
    assert printed[9]["count"] == 0
    assert printed[9]["timestamp"] > began_ms


def test_every_decision_has_its_reason() -> None:
    table = DOCUMENT.read_text().split("## What was decided")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 20
    assert [row for row in rows if len(row) != 3 or not all(row)] == []


def test_the_defaults_are_those_that_are_told() -> None:
    fields = Settings.model_fields
    assert (fields["stream_ttl_s"].default, fields["nodes"].default, fields["admin_token"].default) == (0, "", None)
    assert Rules().stream_lease_ms == 0
