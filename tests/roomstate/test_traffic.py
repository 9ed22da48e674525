"""`replay`, `simulate` and the questions of the demo, against a pipeline that runs."""

import asyncio
import io
import json
from collections import Counter
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from roomstate.demonstrating.report import QUESTIONS, asked, print_plain_sql, print_tables
from roomstate.replaying.recordings import read_recordings
from roomstate.replaying.replay import replay
from roomstate.simulation.call import CallShape
from roomstate.simulation.clients import CALLERS, FAULTY_CALLERS
from roomstate.simulation.plan import Traffic, planned_scenes
from roomstate.simulation.play import Target, play
from roomstate.simulation.played import Played
from storage.panels import panel_names
from storage.store import Store
from tests.roomstate.running_up import RunningUp

ALWAYS = {"from": "2000-01-01 00:00:00.000", "to": "2200-01-01 00:00:00.000", "step_s": 400_000_000, "limit": 10}


@pytest.mark.timeout(240)
async def test_the_recorded_calls_are_answered_as_they_were(running_up: RunningUp) -> None:
    result = await replay(read_recordings(), running_up.url, speed=0)
    assert result.sent.total() == 220
    assert not result.real_differences, "\n".join(result.lines())


def test_a_reply_that_is_not_the_recorded_one_is_told(running_up: RunningUp, tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    call = {"client_kind": "standalone", "sequence": ["join:200", "leave:410"], "statuses": []}
    path.write_text(json.dumps({"a call": call}))
    told = running_up.command("replay", str(path), "--speed", "0")
    assert told.returncode == 1
    assert "a call, request 2 (leave): recorded 410, answered 204" in told.stdout


async def test_an_evening_that_is_played_is_stored_as_planned(running_up: RunningUp) -> None:
    token = (running_up.data_dir / "api_token").read_text().strip()
    shape = CallShape(talk_s=3.0, misbehaving=0.3, lease_ms=60_000)
    scenes = list(planned_scenes(Traffic("a", 20, 600, shape, playback=0.6, streams=0.3), "played"))
    played = Played()
    progress: list[None] = []
    await play(scenes, Target(running_up.url, token, speed=20.0), played, lambda: progress.append(None))
    assert played.scenes == Counter(scene.room_kind for scene in scenes)
    assert min(played.scenes[kind] for kind in ("call", "account", "stream")) > 2
    assert len(progress) == 20
    assert not played.refused
    assert not played.given_up
    assert (await asyncio.to_thread(running_up.account))["balanced"]
    of_ours = "FROM room_events WHERE room_id LIKE 'sim-played%' AND fact_index = 0"
    async with await Store.connect(f"http://analyst@127.0.0.1:{running_up.store_port}/roomstate") as store:
        stored = dict(await store.rows(f"SELECT kind, count() {of_ours} AND kind != 'expire' GROUP BY kind"))
        agents = await store.rows(f"SELECT DISTINCT user_agent {of_ours} AND verdict = 'violation'")
        honest = await store.rows(
            f"SELECT count() {of_ours} AND verdict != '' AND user_agent IN {{honest:Array(String)}}",
            {"honest": [client.user_agent for client in CALLERS]},
        )
    sent_again = played.retries
    for kind, accepted in played.accepted.items():
        assert accepted <= stored[kind] <= accepted + sent_again, kind
    assert 0 < len(agents) <= len(FAULTY_CALLERS)
    assert {agent for (agent,) in agents} <= {client.user_agent for client in FAULTY_CALLERS}
    assert honest[0][0] > 50


def test_a_wrong_token_is_told_at_once(running_up: RunningUp) -> None:
    told = running_up.command("simulate", "--api-token", "wrong")
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert "token" in told.stderr


def test_simulate_tells_what_it_sent(running_up: RunningUp) -> None:
    options = ("--calls", "5", "--rate", "6000", "--speed", "50", "--seed", "x", "--talk", "2")
    told = running_up.command("simulate", *options)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("5 calls: ")


def test_every_question_has_its_file() -> None:
    assert set(QUESTIONS) <= set(panel_names())


async def test_the_report_tells_the_same_twice(running_up: RunningUp) -> None:
    await replay(read_recordings()[:3], running_up.url, speed=0)
    out = io.StringIO()
    console = Console(file=out, width=160)
    async with await Store.connect(f"http://analyst@127.0.0.1:{running_up.store_port}/roomstate") as store:
        print_tables(console, await asked(store, QUESTIONS, ALWAYS))
    tables = out.getvalue()
    await print_plain_sql(console, f"http://127.0.0.1:{running_up.store_port}", ALWAYS)
    plain = out.getvalue().removeprefix(tables)
    for text in (tables, plain):
        assert "sustained two-way" in text
        assert "diagram" in text
    assert "FROM room_events" in plain


def test_verify_tells_of_an_input_that_is_missing(running_up: RunningUp) -> None:
    told = running_up.command("verify")
    assert told.returncode == 0, told.stdout
    assert told.stdout.startswith("equal: ")


def test_query_takes_sql_from_standard_input_and_any_format(running_up: RunningUp) -> None:
    told = running_up.command("query", "SELECT 1 AS one, 'x' AS two", "--format", "CSVWithNames")
    assert told.stdout == '"one","two"\n1,"x"\n'
    refused = running_up.command("query", "DROP TABLE room_events")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert httpx.get(f"{running_up.url}/readyz", timeout=20.0).status_code == 200
