"""Fixtures of the processors' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processors.pipeline import Pipeline


@pytest.fixture
def pipeline(tmp_path: Path, store_database: str) -> Iterator[Pipeline]:
    """A pipeline on a SQLite log."""
    made = Pipeline(tmp_path, store_database)
    yield made
    made.close()


@pytest.fixture
def kafka_pipeline(tmp_path: Path, store_database: str, kafka_url: str) -> Iterator[Pipeline]:
    """A pipeline on a Kafka log, which several workers share."""
    made = Pipeline(tmp_path, store_database, kafka_url)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "kafka"])
def each_pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """A pipeline on each engine of the log, one after the other."""
    pipeline: Pipeline = request.getfixturevalue("pipeline" if request.param == "sqlite" else "kafka_pipeline")
    return pipeline
