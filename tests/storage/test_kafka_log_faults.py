"""The Kafka log while its broker is killed, restarted, frozen and out of reach: what was promised is what is there."""

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from storage import kafka_log
from storage.event_log import INPUTS_TOPIC, Frame, LogInDoubt, LogUnavailable, Record
from storage.kafka_log import KafkaLog
from tests.fixtures_kafka import start_broker
from tests.storage.event_log_contract import TIMEOUT_S, append, frame, read_all, values_of
from tests.storage.held_broker import HeldBroker

PARTITIONS = 4
Opened = Callable[[str], KafkaLog]


class Promised:
    """What a caller was told of each value: its offset, or nothing, or nothing for sure."""

    def __init__(self) -> None:
        self.offsets: dict[tuple[int, str], int] = {}
        self.refused: set[tuple[int, str]] = set()
        self.doubted: set[tuple[int, str]] = set()

    def append(self, log: KafkaLog, name: str, timeout_s: float, size: int = 10) -> None:
        values = [(partition, f"{name}-{number}") for partition in range(PARTITIONS) for number in range(2)]
        frames = [frame(value.ljust(size), partition) for partition, value in values]
        try:
            self.offsets.update(zip(values, log.append(frames, timeout_s), strict=True))
        except LogInDoubt:
            self.doubted.update(values)
        except LogUnavailable:
            self.refused.update(values)

    def hold(self, log: KafkaLog) -> None:
        """Compare all of it with the log."""
        found: dict[tuple[int, str], list[int]] = {}
        for partition in range(PARTITIONS):
            records = read_all(log, partition)
            assert [record.offset for record in records] == list(range(len(records)))
            for record in records:
                found.setdefault((partition, record.value.decode().strip()), []).append(record.offset)
        assert {value: offsets for value, offsets in found.items() if len(offsets) > 1} == {}
        assert {value: found.get(value) for value in self.offsets} == {
            value: [offset] for value, offset in self.offsets.items()
        }
        assert not self.refused & set(found)
        assert set(found) <= set(self.offsets) | self.doubted
        for partition in range(PARTITIONS):
            acknowledged = [offset for (place, _), offset in self.offsets.items() if place == partition]
            assert acknowledged == sorted(acknowledged)


@contextlib.contextmanager
def in_thread(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run the work beside the test until the block ends; its error is the test's."""
    stopping = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work(stopping)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    if raised:
        raise raised[0]


def test_a_broker_killed_and_stopped_under_load_loses_doubles_and_reorders_nothing(
    own_broker: BrokerNode, opened: Opened
) -> None:
    log = opened(own_broker.url)
    promised, followed = Promised(), list[Record]()

    def write(stopping: threading.Event) -> None:
        number = 0
        while not stopping.is_set():
            promised.append(log, f"load-{number}", timeout_s=1.0, size=2000)
            number += 1

    def follow(stopping: threading.Event) -> None:
        tail = log.follow(INPUTS_TOPIC, dict.fromkeys(range(PARTITIONS), 0))
        while not stopping.is_set() or len(followed) < sum(held.end for held in log.bounds(INPUTS_TOPIC).values()):
            with contextlib.suppress(LogUnavailable):
                followed.extend(tail.poll(0.2))
        tail.close()

    with in_thread(follow), in_thread(write):
        for end in (own_broker.kill, own_broker.stop):
            time.sleep(0.7)
            end()
            time.sleep(0.2)
            own_broker.start()
        written = len(promised.offsets)
        give_up_at = time.monotonic() + TIMEOUT_S
        while len(promised.offsets) == written and time.monotonic() < give_up_at:
            time.sleep(0.05)
    assert len(promised.offsets) > written
    assert promised.refused | promised.doubted
    promised.hold(log)
    for partition in range(PARTITIONS):
        assert [record for record in followed if record.partition == partition] == read_all(log, partition)


def test_a_frozen_broker_is_given_up_in_time_and_what_it_took_is_in_doubt(held: HeldBroker, opened: Opened) -> None:
    log = opened(held.node.url)
    promised = Promised()
    promised.append(log, "before", TIMEOUT_S)
    held.node.freeze()
    for number in range(3):
        started = time.monotonic()
        promised.append(log, f"frozen-{number}", timeout_s=0.4)
        assert time.monotonic() - started < 1.5
    held.node.thaw()
    assert {name.split("-")[1] for _, name in promised.doubted} == {"0"}
    assert {name.split("-")[1] for _, name in promised.refused} == {"1", "2"}
    promised.append(log, "after", TIMEOUT_S)
    assert (0, "after-0") in promised.offsets
    promised.hold(log)


@pytest.mark.parametrize("count", [2, 40], ids=["in the kernel", "in our hands"])
def test_what_was_not_sent_when_the_time_was_up_is_never_sent(held: HeldBroker, opened: Opened, count: int) -> None:
    log = opened(held.node.url)
    append(log, "before")
    held.node.freeze()
    large = [Frame(INPUTS_TOPIC, 1, b"x" * 500_000, 1) for _ in range(count)]
    with pytest.raises(LogInDoubt):
        log.append(large, 0.5)
    held.node.thaw()
    assert append(log, "after", partition=1) == [0]
    time.sleep(0.3)
    assert values_of(read_all(log, 1)) == ["after"]


def test_an_acknowledgement_that_was_lost_is_asked_for_again_and_doubles_nothing(
    held: HeldBroker, opened: Opened
) -> None:
    log = opened(held.url)
    append(log, "before")
    held.swallow_answers = True

    def restore() -> None:
        held.swallow_answers = False
        held.cut()

    restorer = threading.Timer(0.3, restore)
    restorer.start()
    assert append(log, "once", "twice") == [1, 2]
    restorer.join()
    assert values_of(read_all(log)) == ["before", "once", "twice"]


def test_frames_in_doubt_that_come_late_are_refused_once_later_ones_are_in_the_log(
    held: HeldBroker, opened: Opened
) -> None:
    log = opened(held.url)
    assert append(log, "before") == [0]
    held.is_holding = True
    with pytest.raises(LogInDoubt):
        log.append([frame("late")], 0.5)
    held.is_holding = False
    assert append(log, "after") == [1]
    assert held.release() > 0
    time.sleep(0.3)
    assert append(log, "last") == [2]
    assert values_of(read_all(log)) == ["before", "after", "last"]


def test_reading_a_broker_that_is_away_fails_in_time_and_goes_on_when_it_is_back(
    held: HeldBroker, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "_READ_S", 0.5)
    log = opened(held.url)
    append(log, "a")
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    assert values_of(tail.poll(TIMEOUT_S)) == ["a"]
    held.go_away()
    started = time.monotonic()
    with pytest.raises(LogUnavailable, match="Connection refused"):
        tail.poll(1.0)
    with pytest.raises(LogUnavailable, match="Connection refused"):
        log.read(INPUTS_TOPIC, 0, 0, 1000)
    with pytest.raises(LogUnavailable, match="Connection refused") as refused:
        log.append([frame("never")], 0.5)
    assert not isinstance(refused.value, LogInDoubt)
    assert time.monotonic() - started < 5
    held.come_back()
    assert append(log, "b") == [1]
    assert values_of(read_all(log)) == ["a", "b"]
    assert values_of(tail.poll(TIMEOUT_S)) == ["b"]


def test_closing_leaves_no_thread_and_no_socket(held: HeldBroker) -> None:
    log = KafkaLog(held.node.url, PARTITIONS)
    threads = threading.active_count()
    sockets = set(os.listdir("/proc/self/fd"))
    append(log, "a")
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    assert log.read(INPUTS_TOPIC, 0, 0, 1000)
    assert tail.poll(TIMEOUT_S)
    assert threading.active_count() == threads
    log.close()
    assert len(os.listdir("/proc/self/fd")) < len(sockets)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeldBroker]:
    port, behind, proxied, controller = (free_port() for _ in range(4))
    direct = f"PLAINTEXT://127.0.0.1:{port}"
    options = {
        "listeners": f"{direct},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"{direct},PROXIED://127.0.0.1:{proxied}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }
    node = start_broker(BrokerNode(tmp_path_factory.mktemp("held"), port, options))
    broker = HeldBroker(node, proxied, behind)
    yield broker
    broker.close()
    node.kill()


@pytest.fixture
def opened() -> Iterator[Opened]:
    logs: list[KafkaLog] = []

    def open_one(url: str) -> KafkaLog:
        logs.append(KafkaLog(f"{url}?namespace=test-{uuid.uuid4().hex[:12]}", PARTITIONS))
        return logs[-1]

    yield open_one
    for log in logs:
        log.close()
