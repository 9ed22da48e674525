"""A real Chromium, and the page as somebody sees it."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

must_be_there = os.environ.get("ROOMSTATE_TESTS_NEED_BROWSER") == "1"
"""Whether a test that would be skipped for want of a browser fails instead; read before tests clear settings."""

AXE = (Path(str(files("axe_playwright_python"))) / "axe.min.js").read_text()
PATIENCE_MS = 60_000
Theme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium until the block ends; skip the test if this machine has none."""
    path = shutil.which("chromium")
    if path is None:
        words = "chromium is not installed (Debian: apt-get install chromium)"
        if must_be_there:
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Seen:
    """The page in a window of its own, with everything that it complained about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._hear(line.type, line.text))

    def _hear(self, kind: str, text: str) -> None:
        # That something was not to be had now is for the page to say; a busy machine may answer 503.
        if kind in ("error", "warning") and "the server responded with a status of 503" not in text:
            self.complaints.append(text)

    def go(self, where: str) -> "Seen":
        """Open a view and return when its frame is there, instead of the last view's."""
        self.page.goto(f"{self.url}/{where}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        self.wait_until("() => document.documentElement.dataset.shown === location.hash")
        return self

    def text(self, selector: str) -> str:
        """Return what the first such element says."""
        return self.page.inner_text(selector)

    def numbers(self, selector: str) -> list[int]:
        """Return the numbers in what the first such element says."""
        return [int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*", self.text(selector))]

    def states(self) -> dict[str, int]:
        """Return how many sessions the diagram says are in each state."""
        labels = self.page.eval_on_selector_all(".node", "nodes => nodes.map(node => node.getAttribute('aria-label'))")
        found = [label.split(": ", 1) for label in labels]
        return {state: int(words.split(" ")[0].replace(",", "")) for state, words in found}

    def wait_until(self, script: str, argument: Any = None) -> None:
        """Wait until the script is true on the page."""
        self.page.wait_for_function(script, arg=argument)

    def barriers(self) -> list[str]:
        """Return what keeps people from using the page, as axe sees it: the serious and the critical."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"][:3]
        ]


@contextmanager
def window(browser: Browser, url: str, theme: Theme = "light", width: int = 1440, height: int = 900) -> Iterator[Seen]:
    """Open a window without a past until the block ends."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="no-preference"
    )
    yield Seen(context.new_page(), url)
    context.close()
