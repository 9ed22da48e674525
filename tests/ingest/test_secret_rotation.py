"""Two secrets at once: what the old one signed or sealed still counts while it is named, and not after."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.store_gate import StoreGate
from tests.ingest.serving import STATUS, Guest, HawkClient, Served, served, settings_for

REPLACED = "a secret"
"""What the pipeline itself signs with."""
NEW = "a new secret"


@contextmanager
def also_served(pipeline: Served, folder: Path, secret: str, previous: str | None) -> Iterator[Served]:
    """Run a second ingest on the same log and store, with other secrets."""
    store_url = pipeline.edge.settings.store_engine_url()
    settings = settings_for(folder, store_url=store_url, secret=secret, previous_secret=previous)
    with served(settings, pipeline.log, StoreGate.to(store_url)) as running:
        yield running


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture
def guest(pipeline: Served, owner: HawkClient) -> Guest:
    return Guest.joined(pipeline, owner.create_room())


def moved(person: HawkClient, server: Served) -> HawkClient:
    """Return the same user as a client of another ingest."""
    same = object.__new__(HawkClient)
    same.__dict__.update({**person.__dict__, "server": server})
    return same


def test_tokens_of_both_secrets_count_while_both_are_named(pipeline: Served, guest: Guest, tmp_path: Path) -> None:
    with also_served(pipeline, tmp_path, NEW, REPLACED) as rotated:
        assert Guest(rotated, guest.room, guest.token).status().status_code == 204
        newcomer = Guest.joined(rotated, guest.room)
        assert newcomer.status().status_code == 204
        # An ingest that was not started again yet does not know the new secret.
        assert Guest(pipeline, guest.room, newcomer.token).status().status_code == 401
    with also_served(pipeline, tmp_path, NEW, None) as finished:
        assert Guest(finished, guest.room, newcomer.token).status().status_code == 204
        assert Guest(finished, guest.room, guest.token).status().status_code == 401


def test_a_registered_user_stays_who_they_are(pipeline: Served, owner: HawkClient, tmp_path: Path) -> None:
    room = owner.create_room()
    with also_served(pipeline, tmp_path, NEW, REPLACED) as rotated:
        there = moved(owner, rotated)
        assert there.join(room).status_code == 200
        assert there.act(room, **STATUS).status_code == 204
        newcomer = HawkClient(rotated)
        assert newcomer.join(newcomer.create_room()).status_code == 200
    with also_served(pipeline, tmp_path, NEW, None) as finished:
        assert moved(owner, finished).act(room, **STATUS).status_code == 401
        assert moved(newcomer, finished).join(room).status_code == 200


def test_another_secret_reads_nothing(pipeline: Served, owner: HawkClient, guest: Guest, tmp_path: Path) -> None:
    with also_served(pipeline, tmp_path, NEW, "yet another") as stranger:
        assert Guest(stranger, guest.room, guest.token).status().status_code == 401
        assert moved(owner, stranger).act(guest.room, **STATUS).status_code == 401
