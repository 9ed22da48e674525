"""What the page says when there is nothing, when something is away, and what it does with hostile text."""

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from storage.sqlite_log import SqliteLog
from tests.browser.chromium import Seen, window
from tests.ingest.serving import API_TOKEN, Served, served, settings_for
from tests.roomstate.running_up import RunningUp

CONNECTION = "words => document.querySelector('#connection').textContent.includes(words)"
NOTICE = (
    "words => [...document.querySelectorAll('.notice')].some(note => !note.hidden && note.textContent.includes(words))"
)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HOSTILE = {
    "markup": "<img src=x onerror=\"window.broken='markup'\"><script>window.broken='script'</script>",
    "link": "<a href=\"javascript:window.broken='link'\">click</a>",
    "entities": "&lt;b&gt;&amp;quot;",
    "right to left": "abc\u202edef\u2066ghi\u202e",
    "long": "long" * 240,
    "emoji": "👩‍👩‍👧‍👦🦊",
    "lines": "two\nlines\ttab",
    "path": "../../..#/?a=1&b=%00%2F",
}


def status(room: str, session: str, **members: object) -> dict[str, object]:
    event = {"event": "Session.connectionCreated", "state": "waiting", "connections": 1}
    return {"room": room, "session": session, **event, **members}


@pytest.fixture
def seen(browser: Browser, running: RunningUp) -> Iterator[Seen]:
    with window(browser, running.url) as found:
        yield found


def test_an_empty_store_is_said_in_words(seen: Seen) -> None:
    seen.go("#/now").wait_until(NOTICE, "Nobody is in a room now")
    assert set(seen.states().values()) == {0}
    seen.go("#/charts/rooms").wait_until(NOTICE, "Nothing happened in this time")
    assert seen.complaints == []


def test_a_room_that_is_not_there_yet_appears_when_it_is(seen: Seen, running: RunningUp) -> None:
    seen.go("#/room/call/not-yet").wait_until(NOTICE, "No room of that name is stored")
    running.post(status("not-yet", "first"))
    seen.page.wait_for_selector(".timeline .bar")
    seen.go("#/session/nobody").wait_until(NOTICE, "No session of that name is stored")


def test_hostile_text_is_only_text(seen: Seen, running: RunningUp) -> None:
    told = {
        text: {"event": text, "user_agent": text * 10, "user": text, "state": "conected"} for text in HOSTILE.values()
    }
    assert running.post([status(text, text) for text in told]).status_code == 200
    seen.go("#/now")
    running.post([status(text, text, **odd) for text, odd in told.items()])
    seen.page.wait_for_selector(f".violations li:nth-child({len(told)})")
    for text in told:
        seen.page.fill(".rooms input", text.split("\n", maxsplit=1)[0])
        seen.page.wait_for_selector(".rooms .row:only-child")
        assert seen.page.text_content(".rooms .row .head a") == (text if len(text) <= 400 else f"{text[:400]}…")
        assert seen.page.evaluate(TOO_WIDE) == 0
        seen.page.click(".rooms .row .head a")
        seen.page.wait_for_selector(".timeline .bar")
        seen.page.focus(".timeline .lane")
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("ArrowRight")
        assert seen.page.evaluate(TOO_WIDE) == 0
        seen.page.click(".timeline .label a")
        seen.page.wait_for_selector("h1:has-text('Session')")
        seen.page.wait_for_selector(".facts tbody tr")
        seen.page.click(".brand")
    seen.page.click("[data-view=charts]")
    seen.page.click(".groups a:has-text('Protocol')")
    for panel in ("violations_by_user_agent", "violations_by_event"):
        seen.page.wait_for_selector(f"[data-panel={panel}]")
        seen.page.locator(f"[data-panel={panel}]").scroll_into_view_if_needed()
        seen.page.wait_for_selector(f"[data-panel={panel}][data-state=shown] td")
    assert seen.page.evaluate(TOO_WIDE) == 0
    assert seen.page.evaluate("window.broken") is None
    assert seen.page.locator("main img, main script, main a[href^='javascript']").count() == 0
    assert seen.complaints == []


def test_it_reconnects_when_the_server_comes_back(seen: Seen, running: RunningUp) -> None:
    running.post(status("before", "s"))
    seen.go("#/now").wait_until(CONNECTION, "Live")
    seen.page.wait_for_selector(".rooms .name:has-text('before')")
    os.kill(running.parts()["ingest"], signal.SIGKILL)
    seen.wait_until(CONNECTION, "Reconnecting: the server has not answered since")
    seen.wait_until("() => document.querySelector('#connection').textContent === 'Live'")
    running.post(status("after", "s"))
    seen.page.wait_for_selector(".rooms .name:has-text('after')")


def test_it_says_that_the_store_is_away_and_goes_on_when_it_is_back(seen: Seen, running: RunningUp) -> None:
    running.post(status("before-the-trouble", "s"))
    seen.go("#/now").page.wait_for_selector(".rooms .name:has-text('before-the-trouble')")
    os.kill(running.parts()["store"], signal.SIGKILL)
    seen.wait_until(CONNECTION, "The store can't be reached now")
    assert seen.page.locator(".rooms .row").count() > 0
    seen.wait_until("() => document.querySelector('#connection').textContent === 'Live'")
    running.post(status("store-is-back", "s"))
    seen.page.wait_for_selector(".rooms .name:has-text('store-is-back')")


def test_charts_say_that_the_store_is_away_and_come_when_it_is_back(seen: Seen, running: RunningUp) -> None:
    seen.go("#/charts/pipeline").page.wait_for_selector("[data-panel=accounting][data-state=shown] dd")
    os.kill(running.parts()["store"], signal.SIGKILL)
    seen.page.select_option("select[aria-label='Time range']", "-24h")
    seen.wait_until(NOTICE, "The store can't be reached now. Asking again")
    seen.page.wait_for_selector("[data-panel=accounting][data-state=shown] dd")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("guarded")
    log = SqliteLog(folder / "log.db", 4)
    with served(settings_for(folder, host="0.0.0.0"), log) as found:
        yield found
    log.close()


def test_elsewhere_it_asks_for_the_token_and_keeps_it_for_the_tab(browser: Browser, guarded: Served) -> None:
    with window(browser, guarded.url) as seen:
        seen.page.goto(f"{guarded.url}/#/now")
        seen.page.wait_for_selector("#ask[open]")
        assert seen.barriers() == []
        seen.page.fill("#ask-token", "wrong")
        seen.page.click("#ask button")
        seen.page.wait_for_selector("#ask-trouble:has-text('not the token')")
        seen.page.fill("#ask-token", API_TOKEN)
        seen.page.click("#ask button")
        seen.wait_until(CONNECTION, "The store can't be reached now")
        seen.page.reload()
        seen.wait_until(CONNECTION, "The store can't be reached now")
        assert not seen.page.is_visible("#ask")
