"""Two hundred who start to play at the same moment, through two ingest processes, on either log.

ROOMSTATE_CROWD_ROUNDS asks for more than the suite's few rounds.
"""

import http.client
import json
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures_store import EmbeddedStore
from tests.ingest.players import KEY, Player
from tests.ingest.two_processes import NAMES, TwoProcesses
from tests.ingest.whole_pipeline import fresh_database, processing

ROUNDS = int(os.environ.get("ROOMSTATE_CROWD_ROUNDS", "3"))
DEVICES = 200
LIMIT = 2

Answer = tuple[int, dict[str, Any]]
"""Status and body."""


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def both(
    request: pytest.FixtureRequest, embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoProcesses]:
    folder = tmp_path_factory.mktemp("players")
    # Beside other work on the same cores a decision may take longer than a client would wait.
    options: dict[str, Any] = {"decision_timeout_ms": 20_000, "playback_limit": LIMIT, "playback_jwt_key": KEY}
    if request.param == "kafka":
        broker = request.getfixturevalue("kafka_broker")
        options["log_url"] = f"{broker.url}?namespace=players-{uuid.uuid4().hex[:8]}&session_timeout_ms=2000"
    with fresh_database(embedded_store) as store_url, processing(folder, store_url, **options):
        two = TwoProcesses(folder, store_url=store_url, **options)
        two.until(lambda: httpx.get(f"{two.url}/readyz", timeout=20).status_code == 200)
        yield two
        assert two.end() == 0


class Device:
    """One of a user's devices, with a connection of its own."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.process = self.ask("GET", "/healthz", {}, "")[1]["process"]

    def ask(self, method: str, path: str, headers: dict[str, str], body: str) -> Answer:
        """Return the answer to one request."""
        self._connection.request(method, path, body, headers)
        reply = self._connection.getresponse()
        return reply.status, json.loads(reply.read())

    def go(self) -> None:
        """Hang up."""
        self._connection.close()


@pytest.fixture(scope="module")
def crowd(both: TwoProcesses) -> Iterator[list[Device]]:
    """As many devices on connections to the one process as to the other."""
    devices: dict[str, list[Device]] = {name: [] for name in NAMES}
    for _ in range(100 * DEVICES):
        if all(len(connected) == DEVICES // 2 for connected in devices.values()):
            break
        device = Device(both.port)
        if len(devices[device.process]) < DEVICES // 2:
            devices[device.process].append(device)
        else:
            device.go()
    everybody = [device for pair in zip(*devices.values(), strict=True) for device in pair]
    assert len(everybody) == DEVICES
    yield everybody
    for device in everybody:
        device.go()


def started_at_once(crowd: list[Device], player: Player, query: str = "") -> list[Answer]:
    """Return the answers to everybody's creation."""
    start = threading.Barrier(DEVICES)
    body = json.dumps({"device_type": "stb", "service": "live"})

    def create(device: Device) -> Answer:
        start.wait()
        return device.ask("POST", player.all + query, player.headers, body)

    with ThreadPoolExecutor(DEVICES) as pool:
        return list(pool.map(create, crowd))


def opened(answers: list[Answer]) -> list[str]:
    return [body["data"][0]["id"] for status, body in answers if status == 201]


def stays_of(player: Player) -> list[dict[str, Any]]:
    """Return every stay that the store has of the account."""
    room = player.http.get(f"/v1/rooms/{player.user}", params={"room_kind": "account", "limit": 1000})
    stays: list[dict[str, Any]] = room.json()["sessions"]
    return stays


@pytest.fixture
def somebody(both: TwoProcesses) -> Iterator[Callable[[], Player]]:
    """Makes users who have never played."""
    with httpx.Client(base_url=both.url, timeout=60.0) as http:
        yield lambda: Player(http, f"user-{uuid.uuid4().hex[:8]}")


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_a_crowd_never_overruns_the_limit(crowd: list[Device], somebody: Callable[[], Player]) -> None:
    for _ in range(ROUNDS):
        player = somebody()
        answers = started_at_once(crowd, player)
        assert Counter(status for status, _ in answers) == {201: LIMIT, 403: DEVICES - LIMIT}
        playing = player.playing()
        assert sorted(opened(answers)) == sorted(playing)
        refused = [body for status, body in answers if status == 403]
        assert len({body["id"] for body in refused}) == len(refused)
        assert {tuple(body["sessions"]) for body in refused} == {tuple(playing)}


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_of_a_crowd_that_replaces_the_last_ones_play_and_each_other_ended_once(
    crowd: list[Device], somebody: Callable[[], Player]
) -> None:
    for _ in range(ROUNDS):
        player = somebody()
        answers = started_at_once(crowd, player, "?replace=oldest")
        assert Counter(status for status, _ in answers) == {201: DEVICES}
        playing = player.playing()
        assert len(playing) == LIMIT
        stays = stays_of(player)
        assert Counter(stay["close_reason"] for stay in stays) == {"replaced": DEVICES - LIMIT, "": LIMIT}
        assert {stay["session_id"] for stay in stays} == set(opened(answers))
        assert {stay["session_id"] for stay in stays if stay["closed_at"] is None} == set(playing)


@pytest.mark.timeout(120 + 20 * ROUNDS)
def test_of_a_crowd_that_replaces_the_same_session_one_gets_in(
    crowd: list[Device], somebody: Callable[[], Player]
) -> None:
    for _ in range(ROUNDS):
        player = somebody()
        first, second = player.started(), player.started()
        answers = started_at_once(crowd, player, f"?replace={first}")
        assert Counter(status for status, _ in answers) == {201: 1, 403: DEVICES - 1}
        assert player.playing() == [second, *opened(answers)]
        reasons = {stay["session_id"]: stay["close_reason"] for stay in stays_of(player)}
        assert reasons.pop(first) == "replaced"
        assert set(reasons.values()) == {""}
