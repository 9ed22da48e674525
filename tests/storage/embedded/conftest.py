"""A store of their own for the tests of the embedded store itself."""

from collections.abc import Iterator

import pytest

from roomstate.ports import free_port
from tests.fixtures_store import EmbeddedStore, schema_migrated_in
from tests.storage.migrated_schema import MigratedSchema


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """One that nobody else writes to: they look at what a statement leaves behind."""
    store = EmbeddedStore(tmp_path_factory.mktemp("looked_at_store"), free_port())
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def migrated_schema(embedded_store: EmbeddedStore) -> MigratedSchema:
    """Our schema, on that store."""
    return schema_migrated_in(embedded_store)
