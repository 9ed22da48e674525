"""A store of their own for the tests of the embedded store itself."""

from collections.abc import Iterator

import pytest

from tests.fixtures_store import EmbeddedStore, schema_migrated_in, started_store
from tests.storage.migrated_schema import MigratedSchema


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """One that nobody else writes to: they look at what a statement leaves behind."""
    with started_store(tmp_path_factory.mktemp("looked_at_store")) as store:
        yield store


@pytest.fixture(scope="session")
def migrated_schema(embedded_store: EmbeddedStore) -> MigratedSchema:
    """Our schema, on that store."""
    return schema_migrated_in(embedded_store)
