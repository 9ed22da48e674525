"""The numbers on the live page are those of SQL, asked when nothing moves any more."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from storage.panels import read_panel
from tests.browser.chromium import Seen, window
from tests.browser.evening import evening, sql
from tests.roomstate.running_up import RunningUp, until

CALLS = {"room_kind": "call", "room": "", "user_agent": ""}
SHOWS = """expected => Object.entries(expected).every(([state, number]) =>
  document.querySelector(`.node[data-state=${state}] .count`).textContent.replaceAll(",", "") === String(number))"""
LIVE = "SELECT uniqExact(room_kind, room_id) AS rooms, count() AS people FROM live_sessions"
PATIENCE_S = 60.0
ALL = "SELECT room_id, session_id, state FROM live_sessions WHERE room_kind = 'call'"


@pytest.fixture(scope="module")
def quiet(running: RunningUp) -> RunningUp:
    """Everything, with people in rooms whose clients say nothing more."""
    options = ("--calls", "0", "--rate", "2000", "--seed", "numbers", "--talk", "400", "--misbehaving", "0.3")
    with evening(running, *options):
        until(lambda: sql(running, LIVE)[0]["people"] > 60, PATIENCE_S, lambda: running.log)
    running.account()
    return running


@pytest.fixture
def seen(browser: Browser, quiet: RunningUp) -> Iterator[Seen]:
    with window(browser, quiet.url) as found:
        yield found


def test_sessions_in_each_state_and_the_account(seen: Seen, quiet: RunningUp) -> None:
    counted = sql(quiet, read_panel("states_now").sql, **CALLS)
    expected = {row["state"]: row["sessions"] for row in counted if row["state"] != "other"}
    assert sum(expected.values()) > 20
    seen.go("#/now").wait_until(SHOWS, expected)
    seen.wait_until("() => document.querySelector('#account').textContent.includes('accepted')")
    accepted, stored, dead, pending = seen.numbers("#account")[:4]
    account = quiet.account()
    assert (accepted, stored, dead) == (account["accepted"], account["stored"], account["dead_lettered"])
    assert pending == 0
    assert seen.numbers(".rooms .aside") == list(sql(quiet, LIVE)[0].values())


def test_each_room_lists_who_is_in_it(seen: Seen, quiet: RunningUp) -> None:
    (largest,) = sql(quiet, f"SELECT room_id, count() AS people FROM ({ALL}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1")
    seen.go("#/now")
    seen.page.select_option("select[aria-label=Order]", "name")
    seen.page.fill(".rooms input", largest["room_id"])
    seen.page.wait_for_selector(f".rooms .row a[title='{largest['room_id']}']")
    people = sql(quiet, f"SELECT state FROM ({ALL}) WHERE room_id = {{r:String}}", r=largest["room_id"])
    row = f".rooms .row:has(a[title='{largest['room_id']}']) .person"
    shown = seen.page.eval_on_selector_all(row, "people => people.map(person => person.dataset.state)")
    assert sorted(shown) == sorted(person["state"] for person in people)[: len(shown)]
    assert len(shown) == min(6, len(people))


def test_a_panel_as_a_table(seen: Seen, quiet: RunningUp) -> None:
    seen.go("#/charts/protocol?from=-1h")
    seen.page.wait_for_selector("[data-panel=verdicts][data-state=shown] tbody tr")
    cells = seen.page.eval_on_selector_all(
        "[data-panel=verdicts] tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    judged = sql(quiet, "SELECT verdict, count() AS updates FROM room_events WHERE verdict != '' GROUP BY 1")
    shown = {verdict: int(updates.replace(",", "")) for verdict, updates, *_ in cells if updates != "0"}
    assert shown == {row["verdict"]: row["updates"] for row in judged}


def test_a_click_leads_to_a_sessions_whole_story(seen: Seen, quiet: RunningUp) -> None:
    seen.go("#/now")
    seen.page.click(".node[data-state=sending]")
    seen.page.click(".rooms .row .person[data-state=sending]")
    seen.page.wait_for_selector(".timeline .bar")
    assert "/session/" in seen.page.url
    session = re.sub(r"^Session\s+", "", seen.text("h1"))
    facts = sql(quiet, "SELECT count() AS facts FROM room_events WHERE session_id = {s:String}", s=session)
    assert seen.page.locator(".facts tbody tr").count() == facts[0]["facts"] > 1
    assert seen.page.locator(".mark").count() == facts[0]["facts"]
    states = sql(
        quiet, "SELECT state FROM state_intervals WHERE session_id = {s:String} ORDER BY entered_at", s=session
    )
    bars = seen.page.eval_on_selector_all(".timeline .bar", "bars => bars.map(bar => bar.dataset.state)")
    assert sorted(bars) == sorted(row["state"] for row in states)


def test_a_verdict_opens_into_the_steps_that_led_to_it(seen: Seen, quiet: RunningUp) -> None:
    (judged,) = sql(quiet, "SELECT session_id FROM room_events WHERE verdict = 'violation' LIMIT 1")
    session = judged["session_id"]
    token = (quiet.data_dir / "api_token").read_text().strip()
    reply = httpx.get(f"{quiet.url}/v1/sessions/{session}", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    (because, *_) = [fact["because"] for fact in reply.json()["facts"] if fact["verdict"] == "violation"]
    seen.go(f"#/session/{session}")
    violation = seen.page.locator(".facts tr[data-sort=violation]").last
    assert violation.locator("li").first.is_hidden()
    violation.locator("summary").click()
    assert violation.locator("li").all_inner_texts() == because
    assert len(because) > 1
    assert seen.barriers() == []
