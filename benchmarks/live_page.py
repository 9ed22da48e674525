"""The live page in a real browser: how soon it is there, how soon a status shows, and what an hour of updates leaves.

Starts everything, posts statuses at a steady rate, opens the page in Debian's chromium, and posts one status after the
other whose counters are then waited for on the page. Then the page alone: an hour's worth of updates of thousands of
rooms from a feed made up in the browser, as fast as the page takes them. Run it as `python -m benchmarks.live_page`.
"""

import argparse
import multiprocessing
import shutil
import statistics
import threading
import time
from typing import Any, Final

import httpx
from playwright.sync_api import Browser

from benchmarks.live_page_hour import hour_of_updates
from benchmarks.measuring import GIB, measuring, parser
from benchmarks.results import Figures
from benchmarks.running_pipeline import API_TOKEN, running_pipeline
from roomstate.refusals import CommandRefused
from tests.browser.chromium import Seen, chromium, window

_AUTHORIZATION: Final = {"Authorization": f"Bearer {API_TOKEN}"}
_BATCH_S: Final = 0.05
_WARM_UP_S: Final = 5.0
_PROBE_S: Final = 0.15
_CLOCK_LOOKS: Final = 20
_ROOM: Final = "the-probe"
_WATCH: Final = """
() => {
  window.shownMs = {};
  const look = () => {
    const text = document.querySelector(".rooms .row .person .faint")?.textContent ?? "";
    window.shownMs[text.split("/")[0]] ??= performance.now();
    requestAnimationFrame(look);
  };
  look();
}"""
_SHOWS_NONE: Final = """
() => (document.querySelector(".rooms .row .person .faint")?.textContent ?? "").startsWith("0/")"""
_LOADED: Final = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, each) => [sum[0] + each.transferSize, sum[1] + each.decodedBodySize], [0, 0])"""


def main() -> None:
    """Measure and print."""
    with measuring("live_page", _options(), needs_bytes=GIB) as run:
        chosen = run.options
        chosen.probes = chosen.probes or run.scaled(100, 20)
        chosen.updates = chosen.updates or run.scaled(18_000, 1_000)
        if shutil.which("chromium") is None:
            raise CommandRefused("live_page needs chromium (Debian: apt-get install chromium)")
        with running_pipeline(chosen.port) as running, chromium() as browser:
            url = f"http://127.0.0.1:{running.port}"
            load = multiprocessing.Process(target=_post_steadily, args=(url, chosen.rate, chosen.rooms), daemon=True)
            load.start()
            try:
                time.sleep(_WARM_UP_S)
                run.compare({f"{chosen.rate} statuses/s": lambda: _measured(browser, url, chosen.probes)})
            finally:
                load.kill()
                load.join()
            with window(browser, url) as seen:
                run.record("an hour's updates at once", hour_of_updates(seen, chosen.updates, chosen.rooms))


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--rate", type=int, default=1000, help="statuses per second (default 1000)")
    options.add_argument("--rooms", type=int, default=1500, help="calls of two (default 1500)")
    options.add_argument("--probes", type=int, help="statuses that are waited for (default 100; short 20)")
    options.add_argument("--updates", type=int, help="of the made-up hour, five a second (default 18000; short 1000)")
    return options


def _measured(browser: Browser, url: str, probes: int) -> Figures:
    with window(browser, url) as seen:
        return {**_opening(seen), **_latency(seen, url, probes)}


def _opening(seen: Seen) -> Figures:
    seen.go("#/now")
    seen.page.wait_for_selector(".rooms .row")
    ready_ms = seen.page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    rows_ms = seen.page.evaluate("performance.getEntriesByName('rooms')[0].startTime")
    sent, _ = seen.page.evaluate(_LOADED)
    seen.go("?charts#/charts/quality")
    seen.page.wait_for_selector(".plot .main-svg")
    with_charts, unpacked = seen.page.evaluate(_LOADED)
    return {
        "ready after, ms": ready_ms,
        "rooms shown after, ms": rows_ms,
        "sent for that, kB": sent / 1e3,
        "sent with charts, MB": with_charts / 1e6,
        "with charts, unpacked, MB": unpacked / 1e6,
    }


def _latency(seen: Seen, url: str, probes: int) -> Figures:
    with httpx.Client(base_url=url, headers=_AUTHORIZATION) as http:
        _post(http, [_status(_ROOM, "s", 0)])
        seen.go("?probe#/now")
        seen.page.fill(".rooms input", _ROOM)
        # What an earlier repetition left there would be taken for this one's.
        seen.page.wait_for_function(_SHOWS_NONE)
        seen.page.evaluate(_WATCH)
        page_began_ms = _page_began_ms(seen)
        began_ms = time.time_ns() // 1_000_000
        answered_ms: dict[str, float] = {}

        def probe() -> None:
            for number in range(1, probes + 1):
                _post(http, [_status(_ROOM, "s", number)])
                answered_ms[str(number)] = 1000 * time.monotonic() - page_began_ms
                time.sleep(_PROBE_S)

        posting = threading.Thread(target=probe)
        posting.start()
        while posting.is_alive():
            seen.page.wait_for_timeout(200)
        seen.wait_until("last => last in window.shownMs", str(probes))
        shown_ms = seen.page.evaluate("window.shownMs")
        fresh = http.get("/v1/panels/freshness", params={"from": began_ms}).raise_for_status().json()
    # One that was overtaken by the next before it was drawn is as late as that one.
    late = [
        min(ms for text, ms in shown_ms.items() if text and int(text) >= int(number)) - answered_ms[number]
        for number in answered_ms
    ]
    cuts = statistics.quantiles(late, n=100, method="inclusive")
    stored = dict(zip(fresh["columns"], fresh["rows"][0], strict=True))
    return {
        "answer to screen p50, ms": cuts[49],
        "answer to screen p95, ms": cuts[94],
        "answer to screen, longest, ms": max(late),
        "of that until stored p50, ms": stored["p50_ms"],
        "of that until stored p95, ms": stored["p95_ms"],
    }


def _page_began_ms(seen: Seen) -> float:
    """Return when the page's own clock began, by ours: neither is set meanwhile, as that of the day may be."""
    found = []
    for _ in range(_CLOCK_LOOKS):
        asked_s = time.monotonic()
        page_ms = float(seen.page.evaluate("performance.now()"))
        took_s = time.monotonic() - asked_s
        found.append((took_s, 1000 * (asked_s + took_s / 2) - page_ms))
    return min(found)[1]


def _post_steadily(url: str, rate: int, rooms: int) -> None:
    number = 0
    with httpx.Client(base_url=url, headers=_AUTHORIZATION, timeout=20.0) as http:
        start_s = time.monotonic()
        while True:
            due = int((time.monotonic() - start_s) * rate) - number
            _post(http, [_next_status(number + index, rooms) for index in range(min(due, 500))])
            number += min(due, 500)
            time.sleep(_BATCH_S)


def _next_status(number: int, rooms: int) -> dict[str, Any]:
    turn, place = divmod(number, 2 * rooms)
    return _status(f"room-{place // 2}", f"{place // 2}-{place % 2}", 1 + turn % 2)


def _status(room: str, session: str, connections: int) -> dict[str, Any]:
    event = {"event": "Session.connectionCreated", "state": "waiting"}
    return {"room": room, "session": session, "connections": connections, **event}


def _post(http: httpx.Client, items: list[dict[str, Any]]) -> None:
    if items:
        http.post("/v1/inputs", json=items).raise_for_status()


if __name__ == "__main__":
    main()
