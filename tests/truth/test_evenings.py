"""Every number that is shown, beside one that was counted again from the log alone.

An evening of all kinds of rooms goes through the real log, real workers and the real store. One of
100 rooms is looked at by default; ROOMSTATE_TRUTH_EVENINGS and ROOMSTATE_TRUTH_ROOMS say how many.
"""

import os
from random import Random

import pytest

from storage.clock import now_ms
from storage.panels import panel_names
from storage.store import Store
from tests.processors.pipeline import Pipeline
from tests.truth.compared_panels import check_panels
from tests.truth.compared_views import VIEWS, check_numbers, check_views
from tests.truth.evening import frames_of
from tests.truth.evening_stored import (
    append,
    recount_of,
    store_undisturbed,
    store_what_ended,
    store_with_crashes,
)
from tests.truth.panels import RECOUNTED
from tests.truth.questions_asked import questions

SEEDS = range(1, 1 + int(os.environ.get("ROOMSTATE_TRUTH_EVENINGS", "1")))
ROOMS = int(os.environ.get("ROOMSTATE_TRUTH_ROOMS", "100"))
_FEW = 1
"""The first question is enough where the same evening was asked about all of them before."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_everything_shown_is_as_counted_again(pipeline: Pipeline, elsewhere: str, seed: int) -> None:
    append(pipeline, frames_of(seed, ROOMS, pipeline.partitions))
    store_with_crashes(pipeline)
    await _check(pipeline, seed)
    store_what_ended(pipeline)
    await _check(pipeline, seed, _FEW)
    pipeline.store_url = elsewhere
    store_undisturbed(pipeline)
    await _check(pipeline, seed, _FEW)


async def _check(pipeline: Pipeline, seed: int, most: int | None = None) -> None:
    async with await Store.connect(pipeline.store_url) as store:
        recount = await recount_of(pipeline, store)
        await check_numbers(store)
        await check_views(store, recount, now_ms())
        chance = Random(seed)
        await check_panels(store, recount, questions(recount, chance, now_ms())[:most], chance)


def test_every_panel_has_a_recount() -> None:
    assert set(panel_names()) == set(RECOUNTED)


async def test_every_view_has_a_recount(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        views = await store.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
        )
    assert {name for (name,) in views} | {"room_events"} == set(VIEWS)
