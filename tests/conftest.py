"""Fixtures that every folder of tests may use, and how drawn examples are chosen.

`make test` draws the same examples each time, so that a change is judged by what it changed. To look for what nobody
has thought of, draw others: `pytest --hypothesis-profile search`. The files that take longest are run first, so that at
the end no long one is left to run alone.
"""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("same")

pytest_plugins = ["tests.fixtures_store", "tests.fixtures_kafka", "tests.fixtures_secured_kafka"]

LONGEST: Final = (
    "processors/test_faults.py",
    "ingest/test_processes_pipeline.py",
    "processors/test_kafka_workers.py",
    "roomstate/test_chaos.py",
    "roomstate/test_up.py",
    "browser/test_views.py",
    "truth/test_evenings.py",
    "ingest/test_playback_crowd.py",
    "storage/test_store_kills.py",
    "roomstate/test_both_logs.py",
    "storage/embedded/test_durability.py",
    "storage/test_migrations.py",
    "storage/test_panels_cluster.py",
    "ingest/test_streams_ending.py",
    "ingest/test_loop_crowd.py",
    "roomstate/test_controlling.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest first."""
    turns = {Path(__file__).parent / name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))
