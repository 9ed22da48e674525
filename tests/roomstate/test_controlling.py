"""`roomstate sessions` and `roomstate kill` against a pipeline that runs."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.roomstate.running_up import RunningUp

TOKEN = "example-token"


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    running = RunningUp(tmp_path_factory.mktemp("controlled"), management_token=TOKEN)
    try:
        yield running.wait_until_ready()
    finally:
        running.end()


def opened(running: RunningUp, room: str, session: str, **members: str) -> None:
    token = (running.data_dir / "api_token").read_text().strip()
    reply = httpx.post(
        f"{running.url}/v1/inputs?wait=decision",
        json={"kind": "open", "room": room, "session": session, **members},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20.0,
    )
    assert reply.json()["decisions"][0]["fact"] == "session_opened", reply.text


def listed(running: RunningUp, *arguments: str) -> list[dict[str, Any]]:
    told = running.command("sessions", "--json", *arguments)
    assert told.returncode == 0, told.stderr
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def test_sessions_are_listed_and_killed_from_a_shell(controlled: RunningUp) -> None:
    opened(controlled, "tea", "ann", user="u1")
    opened(controlled, "tea", "bob\x1b[31m", room_kind="account", client_ip="192.0.2.7")
    table = controlled.command("sessions", "--room", "tea").stdout
    for shown in ("ann", "u1", "account", "192.0.2.7", r"bob\x1b[31m"):
        assert shown in table
    (bob,) = listed(controlled, "--room", "tea", "--kind", "account")
    assert f"{bob['id']}" in table
    told = controlled.command("kill", str(bob["id"]), "17")
    assert (told.returncode, told.stdout) == (0, "1 of 2 sessions were live and are killed\n")
    assert [each["session"] for each in listed(controlled, "--room", "tea")] == ["ann"]
    assert listed(controlled, "--user", "nobody") == []
    assert listed(controlled, "--limit", "0") == []


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("--management-token", "another"), 1, "it has another ROOMSTATE_MANAGEMENT_TOKEN"),
        (("--url", "http://127.0.0.1:9"), 1, "nobody answers at http://127.0.0.1:9"),
        (("--kind", "party"), 2, "--kind"),
        (("--limit", "-2"), 2, "--limit"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    controlled: RunningUp, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    told = controlled.command("sessions", *arguments)
    assert_refused(told, exit_code, says)


def test_an_id_is_a_number(controlled: RunningUp) -> None:
    assert_refused(controlled.command("kill", "ann"), 2, "ID")
    assert_refused(controlled.command("kill"), 2, "ID")


def assert_refused(told: "subprocess.CompletedProcess[str]", exit_code: int, says: str) -> None:
    assert told.returncode == exit_code
    assert says in told.stderr
    assert told.stderr.count("\n") == 1
    assert told.stdout == ""
