"""One browser and one whole pipeline for each module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.roomstate.running_up import RunningUp


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def running(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """Everything, as `roomstate up` starts it."""
    up = RunningUp(tmp_path_factory.mktemp("up"))
    try:
        yield up.wait_until_ready()
    finally:
        up.end()
