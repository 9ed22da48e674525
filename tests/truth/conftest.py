"""A log and workers between it and a store; and a second, empty store for a replay."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures_store import EmbeddedStore
from tests.processors.pipeline import Pipeline
from tests.storage.migrated_schema import MigratedSchema


@pytest.fixture
def pipeline(tmp_path: Path, store_database: str) -> Iterator[Pipeline]:
    """A pipeline on a SQLite log."""
    made = Pipeline(tmp_path, store_database)
    yield made
    made.close()


@pytest.fixture
def elsewhere(embedded_store: EmbeddedStore, migrated_schema: MigratedSchema) -> Iterator[str]:
    """The writing user's URL of another fresh database with our schema."""
    name = f"elsewhere_{uuid.uuid4().hex[:12]}"
    migrated_schema.create(embedded_store, name)
    yield embedded_store.url(name)
    embedded_store.run(f"DROP DATABASE IF EXISTS {name} SYNC")
