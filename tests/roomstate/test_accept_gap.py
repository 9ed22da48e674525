"""`roomstate accept-gap` on a real log whose beginning was trimmed before the store had it."""

import asyncio
from pathlib import Path

import pytest

from roomstate.gap_accepting import run_accept_gap
from storage.event_log import INPUTS_TOPIC
from storage.ownership import check_log, stored_marks
from storage.settings import Settings, load_settings
from storage.store import Store
from tests.storage.filled_log import PARTITIONS, fill, new_log


@pytest.fixture
def settings(tmp_path: Path, store_database: str) -> Settings:
    """Return the settings of a log that lost offsets 0 and 1 of partition 1."""
    log = new_log(tmp_path)
    fill(log)
    assert log.trim(INPUTS_TOPIC, {1: 2}, 1 << 60) == 2
    log.close()
    return load_settings(data_dir=tmp_path, store_url=store_database, partitions=PARTITIONS)


async def problems(settings: Settings) -> set[int]:
    """Return the partitions that can't go on."""
    log = new_log(settings.data_dir)
    try:
        async with await Store.connect(settings.store_engine_url()) as store:
            marks = await stored_marks(store, range(PARTITIONS))
            return set(await check_log(store, log.log_id, log.bounds(INPUTS_TOPIC), marks))
    finally:
        log.close()


def test_a_gap_is_shown_and_left_alone(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(run_accept_gap(settings, is_confirmed=False)) == 1
    assert "partition 1: offsets 0 to 1" in capsys.readouterr().out
    assert asyncio.run(problems(settings)) == {1}


def test_a_gap_that_is_accepted_is_none_any_more(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncio.run(run_accept_gap(settings, is_confirmed=True)) == 0
    assert asyncio.run(problems(settings)) == set()
    assert asyncio.run(run_accept_gap(settings, is_confirmed=False)) == 0
    assert "there is no gap" in capsys.readouterr().out
