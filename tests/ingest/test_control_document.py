"""docs/sessions.md: what it tells people to type works, word for word."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.control.described import SCHEMAS
from tests.ingest.controlled import TOKEN, Operator
from tests.ingest.serving import API_TOKEN

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "sessions.md").read_text()


def test_the_session_with_curl_works(operator: Operator) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    environment = {
        "PATH": os.environ["PATH"],
        "ROOMSTATE_URL": operator.server.url,
        "ROOMSTATE_MANAGEMENT_TOKEN": TOKEN,
        "ROOMSTATE_API_TOKEN": API_TOKEN,
    }
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    listed, first, second, left = _values(done.stdout)
    ours = [each for each in listed if each["stream"] in ("tea", "ada", "live/demo")]
    assert {(each["app"], each["stream"], each["type"]) for each in ours} == {
        ("call", "tea", "call"),
        ("live", "ada", "account"),
        ("live", "live/demo", "HLS"),
    }
    assert (first, second, left) == ({"status": "Ok"}, {"status": "Ok"}, [])


def _values(printed: str) -> Iterator[Any]:
    while printed := printed.lstrip():
        value, end = json.JSONDecoder().raw_decode(printed)
        yield value
        printed = printed[end:]


def test_every_member_and_decision_is_told_of() -> None:
    for member in SCHEMAS["ControlledSession"]["properties"]:
        assert f"`{member}`" in TEXT
    table = TEXT.split("## What was decided where the contract is silent")[1]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 10
    assert [row for row in rows if len(row) != 2 or not all(row)] == []
