"""A Kafka broker that freezes, is killed and comes back under load: 503 at once, nothing lost, nothing doubled."""

import itertools
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from roomstate.broker.node import BrokerNode
from storage.event_log import INPUTS_TOPIC
from storage.frames import decode_input, split_frame
from storage.kafka_log import KafkaLog
from tests.ingest.serving import STATUS, basic
from tests.ingest.test_group_commit import ROOM, announce, wait_until
from tests.ingest.test_server import Process, a_process

LOG_TIMEOUT_S = 1.5
AT_ONCE_S = 0.5
GROWTH_MIB_MAX = 60
POSTERS = 8


class Load:
    """Clients that post numbered statuses as fast as they are answered."""

    def __init__(self, running: Process) -> None:
        self.replies: list[tuple[int, int, float]] = []
        """Number, status and duration."""
        self._running = running
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._post) for _ in range(POSTERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def since(self, index: int) -> list[tuple[int, float]]:
        """Return status and duration of the replies from the one at the index on."""
        return [(status, seconds) for _, status, seconds in self.replies[index:]]

    def taken(self) -> set[int]:
        return {number for number, status, _ in self.replies if status == 204}

    def _post(self) -> None:
        headers = {"Authorization": basic(self._running.token())}
        with httpx.Client(base_url=self._running.url, headers=headers, timeout=30) as client:
            while not self._stopping.is_set():
                number = next(self._numbers)
                begun_s = time.monotonic()
                reply = client.post(f"/rooms/{ROOM}", json={**STATUS, "connections": number})
                self.replies.append((number, reply.status_code, time.monotonic() - begun_s))
                if reply.status_code != 204:
                    assert reply.json() == {"code": 503, "errno": 201, "error": "Service Unavailable"}
                    time.sleep(0.01)


def rss_mib(running: Process) -> float:
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def numbers_in(log: KafkaLog) -> Counter[int]:
    found: Counter[int] = Counter()
    for partition, bounds in log.bounds(INPUTS_TOPIC).items():
        offset = bounds.start
        while offset < bounds.end:
            for record in log.read(INPUTS_TOPIC, partition, offset, 1 << 20):
                found.update(decode_input(line).connections for line in split_frame(record.value))
                offset = record.offset + 1
    return found


def is_taken_again(load: Load) -> bool:
    return any(status == 204 for status, _ in load.since(len(load.replies) - 20))


@pytest.mark.timeout(180)
def test_a_broker_that_freezes_and_one_that_is_killed(tmp_path: Path, own_broker: BrokerNode) -> None:
    log = KafkaLog(own_broker.url, 4)
    with a_process(tmp_path, LOG_URL=own_broker.url, LOG_TIMEOUT_MS=str(int(LOG_TIMEOUT_S * 1000))) as running:
        announce(log)
        load = Load(running)
        try:
            wait_until(lambda: len(load.taken()) > 200)
            before_mib = rss_mib(running)
            for harm, mend in ((own_broker.freeze, own_broker.thaw), (own_broker.kill, own_broker.start)):
                harm()
                time.sleep(LOG_TIMEOUT_S + 0.5)
                known = len(load.replies)
                time.sleep(3)
                away = load.since(known)
                mend()
                wait_until(lambda: is_taken_again(load))
                assert {status for status, _ in away} == {503}
                assert len(away) > 100
                assert sum(seconds > AT_ONCE_S for _, seconds in away) <= POSTERS
            grown_mib = rss_mib(running) - before_mib
        finally:
            load.stop()
    assert grown_mib < GROWTH_MIB_MAX
    found = numbers_in(log)
    log.close()
    assert all(found[number] == 1 for number in load.taken())
    assert max(found.values()) == 1
    in_doubt = found.keys() - load.taken()
    assert len(in_doubt) <= 4 * POSTERS  # of the moments in which the broker fell silent
    assert "Traceback" not in (tmp_path / "ingest.log").read_text()
