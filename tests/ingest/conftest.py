"""Servers that many tests of the edge share; each test makes rooms of its own."""

from collections.abc import Iterator

import pytest

from storage.sqlite_log import SqliteLog
from tests.fixtures_store import EmbeddedStore
from tests.ingest.controlled import TOKEN, Operator
from tests.ingest.decider_loop import deciding
from tests.ingest.serving import Guest, HawkClient, Served, served, settings_for
from tests.ingest.streaming import Directory, directory_of
from tests.ingest.whole_pipeline import whole_pipeline


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Ingest whose inputs are decided, with its store out of reach: what it knows it heard from the log."""
    folder = tmp_path_factory.mktemp("ingest")
    log = SqliteLog(folder / "log.db", 4)
    with deciding(log), served(settings_for(folder), log) as running:
        yield running
    log.close()


@pytest.fixture(scope="module")
def owner(server: Served) -> HawkClient:
    """A registered user."""
    return HawkClient(server)


@pytest.fixture
def room(owner: HawkClient) -> str:
    """A new room of the owner's for three."""
    return owner.create_room()


@pytest.fixture
def guest(server: Served, room: str) -> Guest:
    """Somebody anonymous in the room."""
    return Guest.joined(server, room)


@pytest.fixture(scope="session")
def pipeline(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Ingest with a real processor and the real store behind it."""
    with whole_pipeline(tmp_path_factory.mktemp("pipeline"), embedded_store) as running:
        yield running


@pytest.fixture(scope="session")
def streams(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """A stream directory; streams of the tests have scopes of their own."""
    with directory_of(tmp_path_factory.mktemp("streams"), embedded_store) as directory:
        yield directory


@pytest.fixture(scope="session")
def operator(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator of a whole pipeline whose session control is on."""
    with whole_pipeline(tmp_path_factory.mktemp("controlled"), embedded_store, management_token=TOKEN) as running:
        yield Operator(running)
