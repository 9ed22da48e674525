"""The pictures of docs/dashboards.md: `python -m tests.browser.screenshots` makes them anew, out of a short evening.

It takes two minutes: one and a half of them pass while people meet.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from storage.clock import now_ms
from tests.browser.chromium import Seen, Theme, chromium, window
from tests.browser.evening import evening
from tests.roomstate.running_up import RunningUp

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
_EVENING: Final = ("--calls", "0", "--rate", "60", "--talk", "25", "--misbehaving", "0.15", "--streams", "0.15")
_SIZE: Final = (1280, 800)


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go")
    parser.add_argument("--seconds", type=float, default=90.0, help="for how long people meet before (default 90)")
    chosen = parser.parse_args()
    chosen.folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        running = RunningUp(Path(folder)).wait_until_ready()
        try:
            with evening(running, *_EVENING, "--seed", "pictures"):
                take_all(browser, running, chosen.folder, chosen.seconds)
        finally:
            running.end()


def take_all(browser: Browser, running: RunningUp, folder: Path, seconds: float) -> None:
    """Take each picture, the ones of what goes on now after they watched for a while."""
    began_ms = now_ms()
    time.sleep(max(0.0, seconds - 40))
    with _taken(browser, running, folder / "live_now.png", "light") as seen, _window(browser, running, "dark") as dark:
        for each in (seen, dark):
            each.go("#/now")
        seen.page.wait_for_timeout(min(40.0, seconds) * 1000)
        dark.page.screenshot(path=folder / "live_now_dark.png")
    with _taken(browser, running, folder / "live_charts.png", "dark") as seen:
        seen.go(f"#/charts/rooms?from={began_ms}&to={now_ms()}")
        seen.page.wait_for_selector(".plot .main-svg >> nth=2")
    with _taken(browser, running, folder / "live_story.png", "light") as seen:
        _open_story(seen)
        seen.page.focus(".timeline .lane")
        for _ in range(4):
            seen.page.keyboard.press("ArrowRight")
    with _taken(browser, running, folder / "live_phone.png", "light", (390, 800)) as seen:
        seen.go("#/now")
        seen.page.wait_for_timeout(8000)


def _open_story(seen: Seen) -> None:
    seen.go("#/now")
    seen.page.wait_for_selector(".rooms .row")
    seen.page.select_option("select[aria-label=Order]", "largest")
    seen.page.select_option("select[aria-label='Kind of room']", "call")
    seen.page.click(".rooms .row .head a")
    seen.page.wait_for_selector(".timeline .bar")


@contextmanager
def _taken(
    browser: Browser, running: RunningUp, path: Path, theme: Theme, size: tuple[int, int] = _SIZE
) -> Iterator[Seen]:
    with window(browser, running.url, theme, *size) as seen:
        yield seen
        seen.page.wait_for_timeout(1500)
        seen.page.screenshot(path=path)


@contextmanager
def _window(browser: Browser, running: RunningUp, theme: Theme) -> Iterator[Seen]:
    with window(browser, running.url, theme, *_SIZE) as seen:
        yield seen


if __name__ == "__main__":
    main()
