"""`roomstate up` as a whole: what is posted is stored, whatever part is killed; it stops in order and starts again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roomstate.running.pipeline import Pipeline
from storage.settings import load_settings
from tests.roomstate.running_up import START_S, RunningUp, until

PARTS = ("store", "processor", "ingest")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[RunningUp]:
    """A pipeline of one's own."""
    running = RunningUp(tmp_path)
    try:
        yield running.wait_until_ready()
    finally:
        running.end(signal.SIGKILL)


def statuses(room: str, count: int) -> list[dict[str, object]]:
    """Return inputs of one session."""
    about = {"room": room, "session": "ann", "state": "waiting"}
    return [{**about, "event": f"notice {number}", "seq": number} for number in range(1, count + 1)]


def stored_of_simulated_rooms(running: RunningUp) -> int:
    """Return how many facts the store has of them."""
    sql = "SELECT count() FROM room_events WHERE room_id LIKE 'sim-%'"
    reply = httpx.get(f"http://127.0.0.1:{running.store_port}/", params={"database": "roomstate", "query": sql})
    return int(reply.text)


def is_gone(pid: int) -> bool:
    """Tell whether no process of that id runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.timeout(240)
def test_every_part_may_be_killed_and_nothing_that_was_answered_is_lost(up: RunningUp) -> None:
    posted = 0
    for number, name in enumerate(PARTS):
        assert up.post(statuses(f"room-{number}", 20)).json() == {"accepted": 20, "refused": []}
        os.kill(up.parts()[name], signal.SIGKILL)
        until(lambda name=name: f"{name} ended (killed by SIGKILL)" in up.log, START_S, lambda: up.log)
        until(lambda name=name: name in up.parts(), START_S, lambda: up.log)
        account = up.account()
        posted += 20
        assert (account["balanced"], account["accepted"]) == (True, posted)
    verified = up.command("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert f"equal: {posted} of {posted} inputs" in verified.stdout
    assert up.end(signal.SIGTERM) == 0
    assert "Traceback" not in up.log


def test_it_says_where_everything_is(running_up: RunningUp) -> None:
    for said in (f"127.0.0.1:{running_up.port}", f"127.0.0.1:{running_up.store_port}", "/docs", "query '", "api_token"):
        assert said in running_up.log
    assert set(running_up.parts()) == set(PARTS)
    for path in ("/docs", "/readyz", "/metrics", "/v1/accounting"):
        assert httpx.get(running_up.url + path, timeout=20.0).status_code == 200


def test_a_second_one_on_the_same_folder_is_refused(running_up: RunningUp) -> None:
    refused = running_up.command("up", "--port", "0", "--store-port", "0")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"process {running_up.process.pid}" in refused.stderr


def test_a_second_store_on_the_same_folder_is_refused(running_up: RunningUp) -> None:
    refused = running_up.command("store", "--store-port", "0")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.timeout(240)
def test_what_was_accepted_is_stored_before_it_ends_and_there_after_the_next_start(tmp_path: Path) -> None:
    first = RunningUp(tmp_path).wait_until_ready()
    assert first.post(statuses("room", 500)).json()["accepted"] == 500
    assert first.end() == 0, first.log
    assert "pending" not in first.log
    second = RunningUp(tmp_path)
    try:
        assert second.wait_until_ready().account()["stored"] == 500
        told = second.command("query", "SELECT count() FROM room_events WHERE room_id = 'room'", "--format", "TSV")
        assert told.stdout == "501\n"  # with the opening
    finally:
        second.end()


def test_nothing_is_left_running_when_it_is_killed_itself(up: RunningUp) -> None:
    parts = up.parts()
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: all(is_gone(pid) for pid in parts.values()), 20.0, lambda: str(parts))


def test_a_part_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store").write_text("in the way")
    running = RunningUp(tmp_path)
    assert running.process.wait(timeout=START_S) == 1
    assert "Traceback" not in running.log


def test_a_second_signal_ends_it_at_once_and_nothing_is_lost(up: RunningUp, tmp_path: Path) -> None:
    os.kill(up.parts()["processor"], signal.SIGSTOP)
    assert up.post(statuses("room", 5)).json()["accepted"] == 5
    up.process.send_signal(signal.SIGINT)
    until(lambda: "ingest has ended" in up.log, START_S, lambda: up.log)
    assert up.end(signal.SIGINT) == 1
    assert "Traceback" not in up.log
    again = RunningUp(tmp_path)
    try:
        assert again.wait_until_ready().account()["stored"] == 5
    finally:
        again.end()


def test_port_0_is_a_free_port_that_everybody_knows() -> None:
    settings = Pipeline(load_settings(port=0, store_port=0)).settings
    assert settings.port
    assert settings.store_port
    assert {"port", "store_port"} <= settings.model_fields_set


@pytest.mark.timeout(240)
def test_simulated_calls_run_until_it_stops(tmp_path: Path) -> None:
    running = RunningUp(tmp_path, "--simulate", "6000")
    try:
        running.wait_until_ready()
        until(lambda: stored_of_simulated_rooms(running) > 200, START_S, lambda: running.log)
    finally:
        code = running.end()
    assert code == 0, running.log
    assert "inputs accepted" in running.log
