"""What processes behind one port know of each other, whoever of them dies or lags."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.heard import NOTHING, HeardPlaces
from ingest.nonces import NONCE_MEMORY_S, NonceRing, SeenNonces
from ingest.siblings import Sibling
from storage.event_log import Record, Tail
from storage.sqlite_log import SqliteLog
from tests.ingest.decider_loop import deciding
from tests.ingest.serving import Guest, served, settings_for

PARTITIONS = 4
LATE_S = 0.4


def siblings(folder: Path) -> tuple[Sibling, Sibling]:
    return Sibling(0, 2, -1, str(folder)), Sibling(1, 2, -1, str(folder))


def test_a_nonce_counts_once_among_all(tmp_path: Path) -> None:
    first, second = (SeenNonces(NONCE_MEMORY_S, sibling) for sibling in siblings(tmp_path))
    assert not first.is_seen("ada", "1", "10")
    assert second.is_seen("ada", "1", "10")
    assert not second.is_seen("ada", "2", "10")
    assert not second.is_seen("ben", "1", "10")
    assert not second.is_seen("ada", "1", "11")
    assert all(first.is_seen(*nonce) for nonce in (("ada", "2", "10"), ("ben", "1", "10"), ("ada", "1", "11")))


def test_who_comes_in_place_of_one_that_died_knows_its_nonces_and_the_others(tmp_path: Path) -> None:
    here, there = siblings(tmp_path)
    SeenNonces(NONCE_MEMORY_S, here).is_seen("ada", "1", "10")
    SeenNonces(NONCE_MEMORY_S, there).is_seen("ada", "2", "10")
    again = SeenNonces(NONCE_MEMORY_S, here)
    assert again.is_seen("ada", "1", "10")
    assert again.is_seen("ada", "2", "10")
    assert not again.is_seen("ada", "3", "10")


def test_a_nonce_is_forgotten_after_two_ages_and_not_before_one(tmp_path: Path) -> None:
    nonces = SeenNonces(memory_s=0.2)
    nonces.is_seen("ada", "1", "10")
    time.sleep(0.25)
    assert not nonces.is_seen("ada", "2", "10")
    assert nonces.is_seen("ada", "1", "10")
    time.sleep(0.25)
    nonces.is_seen("ada", "3", "10")
    time.sleep(0.25)
    assert not nonces.is_seen("ada", "1", "10")


def test_however_many_come_the_newest_are_remembered() -> None:
    nonces = SeenNonces(NONCE_MEMORY_S, nonces_max=10)
    for number in range(1000):
        assert not nonces.is_seen("ada", str(number), "10")
        assert nonces.is_seen("ada", str(max(0, number - 9)), "10")


def test_a_ring_that_was_not_read_for_long_still_has_the_newest(tmp_path: Path) -> None:
    here, _ = siblings(tmp_path)
    writing, reading = NonceRing(here, 0, capacity=4), NonceRing(here, 0, capacity=4)
    digests = [bytes([number]) * 16 for number in range(10)]
    for digest in digests:
        writing.append(digest)
    assert list(reading.news()) == digests[-4:]
    assert list(reading.news()) == []
    writing.append(digests[0])
    assert list(reading.news()) == [digests[0]]


def test_a_process_is_behind_until_it_heard_what_a_sibling_told(tmp_path: Path) -> None:
    first, second = (HeardPlaces(PARTITIONS, sibling) for sibling in siblings(tmp_path))
    assert second.newest(3) == NOTHING
    assert not second.is_behind(3, NOTHING)
    first.tell(3, (7, 2))
    first.tell(3, (7, 1))
    assert second.newest(3) == (7, 2)
    for heard in (NOTHING, (6, 9), (7, 1)):
        assert second.is_behind(3, heard)
    for heard in ((7, 2), (7, 3), (8, 0)):
        assert not second.is_behind(3, heard)
    assert not second.is_behind(2, NOTHING)
    assert not HeardPlaces(PARTITIONS).is_behind(3, NOTHING)


class Late:
    """A tail whose news come late."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self.close = tail.close

    def poll(self, timeout_s: float) -> Sequence[Record]:
        records = self._tail.poll(timeout_s)
        if records:
            time.sleep(LATE_S)
        return records


class LateLog(SqliteLog):
    """A log that a process is slow to follow."""

    def follow(self, topic: str, offsets: Mapping[int, int]) -> Late:  # type: ignore[override]  # as good as a tail
        return Late(super().follow(topic, offsets))


def test_what_a_client_was_told_by_one_the_other_waits_to_hear(tmp_path: Path) -> None:
    here, there = siblings(tmp_path)
    log, late_log = SqliteLog(tmp_path / "log.db", PARTITIONS), LateLog(tmp_path / "log.db", PARTITIONS)
    settings = settings_for(tmp_path)
    with (
        deciding(log),
        served(settings, log, sibling=here) as prompt,
        served(settings, late_log, sibling=there) as late,
    ):
        created = prompt.native({"kind": "room_create", "room": "room"}, params={"wait": "decision"})
        assert created.json()["decisions"][0]["fact"] == "room_created"
        guest = Guest.joined(prompt, "room")
        guest.server = late
        # Its store is away: only from the log can it know.
        assert guest.status().status_code == 204
        assert late.edge.directory.size == (1, 1)
    late_log.close()
    log.close()
