"""What the tests of the command line share: one pipeline that runs for all that do not harm it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.roomstate.judged_log import JudgedLog
from tests.roomstate.running_up import RunningUp


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the environment and no `.env` reaches a test."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ROOMSTATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def running_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """A pipeline that everybody posts to and nobody harms."""
    running = RunningUp(tmp_path_factory.mktemp("up"))
    try:
        yield running.wait_until_ready()
    finally:
        running.end()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[JudgedLog]:
    """A log of 45 inputs, nothing of it stored yet."""
    filled = JudgedLog.in_folder(tmp_path).fill()
    yield filled
    filled.log.close()
