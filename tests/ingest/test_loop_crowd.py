"""A hundred people who join one room at the same moment, through two ingest processes, on either log.

ROOMSTATE_CROWD_ROUNDS asks for more than the suite's few rounds.
"""

import http.client
import json
import os
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

import httpx
import pytest

from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import HawkClient, Served
from tests.ingest.two_processes import NAMES, TwoProcesses
from tests.ingest.whole_pipeline import fresh_database, processing

ROUNDS = int(os.environ.get("ROOMSTATE_CROWD_ROUNDS", "3"))
PEOPLE = 100
REFUSALS = {
    (202, "The room is full."),
    (121, "Too many participants in the room for you to handle."),
}


Answer = tuple[int, dict[str, Any]]
"""Status and body."""


class Round(NamedTuple):
    """One crowd."""

    max_size: int
    sizes: list[int]
    """What each of them can handle."""
    has_owner: bool


def rounds() -> Iterator[Round]:
    chance = random.Random(7)
    for number in range(ROUNDS):
        most = [5] if number % 2 else [1, 2, 3, 4, 5]
        yield Round(chance.randint(1, 5), chance.choices(most, k=PEOPLE), number % 3 == 0)


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def both(
    request: pytest.FixtureRequest, embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoProcesses]:
    folder = tmp_path_factory.mktemp("crowd")
    # Beside other work on the same cores a decision may take longer than a client would wait.
    options: dict[str, Any] = {"decision_timeout_ms": 10_000}
    if request.param == "kafka":
        broker = request.getfixturevalue("kafka_broker")
        options["log_url"] = f"{broker.url}?namespace=crowd-{uuid.uuid4().hex[:8]}&session_timeout_ms=2000"
    with fresh_database(embedded_store) as store_url, processing(folder, store_url, **options):
        two = TwoProcesses(folder, store_url=store_url, **options)
        two.until(lambda: httpx.get(f"{two.url}/readyz", timeout=20).status_code == 200)
        yield two
        assert two.end() == 0


class Person:
    """Somebody with a connection of their own."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.process = self._answer("GET", "/healthz", "")[1]["process"]

    def join(self, room: str, size: int) -> Answer:
        body = json.dumps({"action": "join", "displayName": "x", "clientMaxSize": size})
        return self._answer("POST", f"/rooms/{room}", body)

    def go(self) -> None:
        self._connection.close()

    def _answer(self, method: str, path: str, body: str) -> Answer:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        reply = self._connection.getresponse()
        return reply.status, json.loads(reply.read())


@pytest.fixture(scope="module")
def crowd(both: TwoProcesses) -> Iterator[list[Person]]:
    """As many people on connections to the one process as to the other."""
    people: dict[str, list[Person]] = {name: [] for name in NAMES}
    for _ in range(100 * PEOPLE):
        if all(len(connected) == PEOPLE // 2 for connected in people.values()):
            break
        person = Person(both.port)
        if len(people[person.process]) < PEOPLE // 2:
            people[person.process].append(person)
        else:
            person.go()
    everybody = [person for pair in zip(*people.values(), strict=True) for person in pair]
    assert len(everybody) == PEOPLE
    yield everybody
    for person in everybody:
        person.go()


def joined_at_once(crowd: list[Person], room: str, wish: Round, owner: HawkClient) -> list[Answer]:
    """Return the answers to everybody's join, the owner's last if they come too."""
    start = threading.Barrier(PEOPLE + wish.has_owner)

    def join(person: Person, size: int) -> Answer:
        start.wait()
        return person.join(room, size)

    def join_as_owner() -> Answer:
        start.wait()
        reply = owner.join(room)
        return reply.status_code, reply.json()

    with ThreadPoolExecutor(PEOPLE + 1) as pool:
        joins = [pool.submit(join, person, size) for person, size in zip(crowd, wish.sizes, strict=True)]
        if wish.has_owner:
            joins.append(pool.submit(join_as_owner))
        return [each.result() for each in joins]


def everybody_found_a_seat(url: str, inside: list[dict[str, Any]], max_size: int) -> bool:
    """Tell whether each of them, in the order of their coming, was let in by the rule of contract 2.5."""
    sizes: list[int] = []
    has_owner = False
    for person in inside:
        facts = httpx.get(f"{url}/v1/sessions/{person['roomConnectionId']}", timeout=20).json()["facts"]
        size = facts[0]["extra"]["client_max_size"]
        kept = 0 if has_owner or person["owner"] else 1
        if min([max_size, *sizes]) - len(sizes) - kept <= 0 or size <= len(sizes):
            return False
        sizes.append(size)
        has_owner = has_owner or person["owner"]
    return True


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_a_crowd_never_overruns_the_seats(both: TwoProcesses, crowd: list[Person]) -> None:
    owner = HawkClient(cast(Served, both.through(NAMES[0])))
    for wish in rounds():
        room = owner.create_room(maxSize=wish.max_size)
        answers = joined_at_once(crowd, room, wish, owner)
        refused = [body for status, body in answers if status != 200]
        assert {status for status, _ in answers} <= {200, 400}
        assert {(body["errno"], body["error"]) for body in refused} <= REFUSALS
        inside = owner.request("GET", f"/rooms/{room}").json()["participants"]
        assert len(inside) == len(answers) - len(refused)
        assert everybody_found_a_seat(both.url, inside, wish.max_size), wish
        if set(wish.sizes) == {5} and not wish.has_owner:
            assert len(inside) == wish.max_size - 1
