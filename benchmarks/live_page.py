"""The live page in a real browser: how soon it is there, how soon a status shows, and what an hour of updates leaves.

Starts everything, posts statuses at a steady rate, opens the page in Debian's chromium, and posts one status after the
other whose counters are then waited for on the page. Then the page alone: an hour's worth of updates of thousands of
rooms from a feed made up in the browser, as fast as the page takes them. Run it as `python -m benchmarks.live_page`.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.live_page_hour import hour_of_updates
from tests.browser.chromium import Seen, chromium, window
from tests.roomstate.running_up import RunningUp

_BATCH_S: Final = 0.05
_WARM_UP_S: Final = 5.0
_PROBE_S: Final = 0.15
_ROOM: Final = "the-probe"
_WATCH: Final = """
() => {
  window.shownMs = {};
  const look = () => {
    const text = document.querySelector(".rooms .row .person .faint")?.textContent ?? "";
    window.shownMs[text.split("/")[0]] ??= performance.timeOrigin + performance.now();
    requestAnimationFrame(look);
  };
  look();
}"""
_LOADED: Final = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, each) => [sum[0] + each.transferSize, sum[1] + each.decodedBodySize], [0, 0])"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=1000, help="statuses per second (default 1000)")
    parser.add_argument("--rooms", type=int, default=1500, help="calls of two (default 1500)")
    parser.add_argument("--probes", type=int, default=100, help="statuses that are waited for (default 100)")
    parser.add_argument(
        "--updates", type=int, default=18_000, help="of the made-up hour, five a second (default 18000)"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        running = RunningUp(Path(folder)).wait_until_ready()
        load = multiprocessing.Process(target=_post_steadily, args=(running.url, _token(running), chosen), daemon=True)
        load.start()
        try:
            time.sleep(_WARM_UP_S)
            with window(browser, running.url) as seen:
                _measure_opening(seen)
                _measure_latency(seen, running, chosen.probes)
            load.terminate()
            with window(browser, running.url) as seen:
                hour_of_updates(seen, chosen.updates, chosen.rooms)
        finally:
            load.terminate()
            running.end()


def _token(running: RunningUp) -> str:
    return (running.data_dir / "api_token").read_text().strip()


def _measure_opening(seen: Seen) -> None:
    seen.go("#/now")
    seen.page.wait_for_selector(".rooms .row")
    ready_ms = seen.page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    rows_ms = seen.page.evaluate("performance.getEntriesByName('rooms')[0].startTime")
    sent, unpacked = seen.page.evaluate(_LOADED)
    print(f"ready after {ready_ms:.0f} ms, rooms shown after {rows_ms:.0f} ms; {sent / 1e3:.0f} kB sent")
    seen.go("?charts#/charts/quality")
    seen.page.wait_for_selector(".plot .main-svg")
    sent, unpacked = seen.page.evaluate(_LOADED)
    print(f"with charts {sent / 1e6:.2f} MB sent, {unpacked / 1e6:.2f} MB unpacked")


def _measure_latency(seen: Seen, running: RunningUp, probes: int) -> None:
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {_token(running)}"}) as http:
        _post(http, [_status(_ROOM, "s", 0)])
        seen.go("?probe#/now")
        seen.page.fill(".rooms input", _ROOM)
        seen.page.wait_for_selector(".rooms .row .person")
        seen.page.evaluate(_WATCH)
        began_ms = time.time_ns() // 1_000_000
        answered_ms: dict[str, float] = {}

        def probe() -> None:
            for number in range(1, probes + 1):
                _post(http, [_status(_ROOM, "s", number)])
                answered_ms[str(number)] = time.time_ns() / 1e6
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
    p50, p95 = (statistics.quantiles(late, n=100)[number] for number in (49, 94))
    print(f"{len(late)} statuses, from answer to screen: p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {max(late):.0f} ms")
    stored = dict(zip(fresh["columns"], fresh["rows"][0], strict=True))
    print(f"of that until stored: p50 {stored['p50_ms']} ms, p95 {stored['p95_ms']} ms of {stored['inputs']} inputs")


def _post_steadily(url: str, token: str, chosen: argparse.Namespace) -> None:
    number = 0
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20.0) as http:
        start_s = time.monotonic()
        while True:
            due = int((time.monotonic() - start_s) * chosen.rate) - number
            _post(http, [_next_status(number + index, chosen.rooms) for index in range(min(due, 500))])
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
