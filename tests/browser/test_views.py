"""Every view of the live page in a real browser, in both themes, while traffic runs."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.chromium import Theme, window
from tests.browser.evening import evening
from tests.roomstate.running_up import RunningUp

GROUPS = ("rooms", "quality", "protocol", "playback", "pipeline")
SETTLED = "() => ![...document.querySelectorAll('.card')].some(card => card.dataset.state === 'trouble')"
LOADED = "() => [...document.querySelectorAll('.card')].some(card => card.dataset.state === 'shown')"


@pytest.fixture(scope="module")
def busy(running: RunningUp) -> Iterator[RunningUp]:
    options = ("--calls", "0", "--rate", "240", "--seed", "views", "--misbehaving", "0.3", "--talk", "40")
    with evening(running, *options):
        yield running


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_there_for_everybody(browser: Browser, busy: RunningUp, theme: Theme) -> None:
    with window(browser, busy.url, theme) as seen:
        seen.go("#/now")
        seen.wait_until("() => document.querySelectorAll('.rooms .row').length > 3")
        seen.wait_until("() => document.querySelector('#connection').textContent === 'Live'")
        seen.wait_until("() => [...document.querySelectorAll('.rate')].some(rate => rate.textContent)")
        assert seen.barriers() == []
        for group in GROUPS:
            seen.go(f"#/charts/{group}?from=-15m")
            seen.wait_until(LOADED)
            seen.wait_until(SETTLED)
            if group == "quality":
                seen.page.wait_for_selector(".plot .main-svg")
                assert seen.barriers() == []
        seen.go("#/now")
        seen.page.select_option("select[aria-label=Order]", "largest")
        seen.page.click(".rooms .row .head a")
        seen.page.wait_for_selector(".timeline .bar")
        assert seen.barriers() == []
        seen.page.click(".timeline .label a")
        seen.page.wait_for_selector("h1:has-text('Session')")
        seen.page.wait_for_selector(".timeline .bar")
        assert seen.complaints == []


def test_a_phone_shows_all_of_it_without_scrolling_aside(browser: Browser, busy: RunningUp) -> None:
    with window(browser, busy.url, "dark", 360, 740) as seen:
        for where in ("#/now", "#/charts/quality", "#/charts/protocol"):
            seen.go(where)
            seen.wait_until("() => document.querySelector('.rooms .row, .card[data-state=shown]')")
            assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        seen.go("#/now")
        seen.page.click(".rooms .row .head a")
        seen.page.wait_for_selector(".timeline .bar")
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        assert seen.barriers() == []


def test_the_last_address_wins_however_slowly_an_earlier_view_comes(browser: Browser, busy: RunningUp) -> None:
    with window(browser, busy.url) as seen:
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        seen.page.route("**/live/charts_view.js", hold)
        seen.go("#/now").wait_until("() => document.querySelector('.rooms .row')")
        with seen.page.expect_request("**/live/charts_view.js"):
            seen.page.evaluate("location.hash = '#/charts/quality'")
        seen.go("#/now")
        with seen.page.expect_response("**/live/charts_view.js"):
            held[0].continue_()
        seen.page.wait_for_timeout(500)
        assert seen.page.query_selector(".card") is None
        assert seen.page.query_selector(".rooms .row") is not None


def test_the_theme_can_be_switched_and_stays(browser: Browser, busy: RunningUp) -> None:
    with window(browser, busy.url, "light") as seen:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = seen.go("#/now").page.evaluate(ground)
        seen.page.click("#theme")
        dark = seen.page.evaluate(ground)
        assert dark != light
        assert seen.go("?again#/now").page.evaluate(ground) == dark


def test_the_keyboard_reaches_a_state_and_every_fact(browser: Browser, busy: RunningUp) -> None:
    with window(browser, busy.url) as seen:
        seen.go("#/now")
        seen.page.focus(".node[data-state=sendrecv]")
        seen.page.keyboard.press("Enter")
        assert seen.page.get_attribute(".node[data-state=sendrecv]", "aria-pressed") == "true"
        seen.wait_until("() => document.querySelector('.rooms .row [data-state=sendrecv]')")
        seen.page.click(".rooms .row .head a")
        seen.page.wait_for_selector(".timeline .bar")
        seen.page.focus(".timeline .lane")
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("ArrowRight")
        assert seen.page.is_visible(".tip .rule")
        seen.page.keyboard.press("Enter")
        seen.wait_until("() => document.activeElement.closest('.facts tr')")
