"""docs/loop.md: what it tells people to type works, word for word."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.ingest.serving import HawkClient, Served
from tests.ingest.whole_pipeline import wait_until

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "loop.md"


def block(language: str) -> str:
    """Return the only block of that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(found)


def run(command: list[str], server: Served, **variables: str) -> list[str]:
    """Return what was printed, line by line."""
    environment = {"PATH": os.environ["PATH"], "ROOMSTATE_URL": server.url, **variables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_session_with_curl_works(pipeline: Served) -> None:
    room = HawkClient(pipeline).create_room()
    printed = run(["bash", "-euo", "pipefail", "-c", block("sh")], pipeline, ROOM=room)
    assert printed[0].startswith('{"roomToken":"')
    assert printed[0].endswith("204")
    assert printed[1] == "204"
    assert printed[2] == '{"expires":300}204'

    def judged() -> list[str]:
        (session,) = pipeline.http.get(f"/v1/rooms/{room}").json()["sessions"]
        facts = pipeline.http.get(f"/v1/sessions/{session['session_id']}").json()["facts"]
        return [fact["verdict"] or fact["reason"] for fact in facts][1:] if session["closed_at"] else []

    assert wait_until(judged, "the session's rows") == ["diagram", "implied", "", "left"]


def test_the_session_with_python_works(pipeline: Served) -> None:
    printed = run([sys.executable, "-W", "error", "-c", block("python")], pipeline)
    assert printed[0].startswith("hand out http://localhost:3000/")
    room = printed[0].rsplit("/", 1)[1]
    assert printed[1:] == ["inside: ['Ada']", "owned: ['Ada Lovelace']", f"deleted: {{'{room}': {{'code': 200}}}}"]


def test_every_difference_has_its_reason() -> None:
    table = DOCUMENT.read_text().split("## Where it differs")[1]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 20
    assert [row for row in rows if len(row) != 4 or not all(row)] == []
