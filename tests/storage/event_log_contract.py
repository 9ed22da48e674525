"""The promises of the log's port as tests; each engine runs this suite on itself.

An engine's test module derives from `EventLogContract` and overrides `open_again`: every call opens the same log anew,
as another process would.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from storage.clock import now_ms
from storage.event_log import (
    DECISIONS_TOPIC,
    INPUTS_TOPIC,
    Bounds,
    EventLog,
    Frame,
    LogMismatch,
    LogUnavailable,
    Record,
    Tail,
)
from storage.frames import FRAME_BYTES_MAX

PARTITIONS = 4
TIMEOUT_S = 20.0
OpenAgain = Callable[..., EventLog]


def frame(value: bytes | str = b"{}", partition: int = 0, topic: str = INPUTS_TOPIC) -> Frame:
    content = value.encode() if isinstance(value, str) else value
    return Frame(topic, partition, content, content.count(b"\n") + 1)


def append(log: EventLog, *values: str, partition: int = 0, topic: str = INPUTS_TOPIC) -> Sequence[int]:
    return log.append([frame(value, partition, topic) for value in values], TIMEOUT_S)


def read_all(log: EventLog, partition: int = 0, topic: str = INPUTS_TOPIC, limit_bytes: int = 1 << 20) -> list[Record]:
    records: list[Record] = []
    offset = 0
    while found := log.read(topic, partition, offset, limit_bytes):
        records.extend(found)
        offset = found[-1].offset + 1
    return records


def values_of(records: Sequence[Record]) -> list[str]:
    return [record.value.decode() for record in records]


def poll_until(tail: Tail, count: int) -> list[Record]:
    records: list[Record] = []
    give_up_at = time.monotonic() + TIMEOUT_S
    while len(records) < count and time.monotonic() < give_up_at:
        records.extend(tail.poll(1.0))
    return records


class EventLogContract:
    @pytest.fixture
    def open_again(self) -> Iterator[OpenAgain]:
        raise NotImplementedError("an engine's test module opens its log here")

    @pytest.fixture
    def log(self, open_again: OpenAgain) -> EventLog:
        return open_again()

    def test_a_new_log_has_all_partitions_of_both_topics_and_nothing_in_them(self, log: EventLog) -> None:
        empty = dict.fromkeys(range(PARTITIONS), Bounds(0, 0))
        assert log.partitions == PARTITIONS
        assert log.bounds(INPUTS_TOPIC) == empty
        assert log.bounds(DECISIONS_TOPIC) == empty
        assert log.read(INPUTS_TOPIC, 0, 0, 1000) == []

    def test_offsets_count_from_zero_in_each_partition_of_each_topic(self, log: EventLog) -> None:
        assert append(log, "a", "b") == [0, 1]
        assert append(log, "c") == [2]
        assert append(log, "d", partition=1) == [0]
        assert append(log, "e", topic=DECISIONS_TOPIC) == [0]
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 3)
        assert log.bounds(INPUTS_TOPIC)[1] == Bounds(0, 1)
        assert log.bounds(DECISIONS_TOPIC)[0] == Bounds(0, 1)

    def test_one_call_may_mix_topics_and_partitions_and_gets_offsets_in_the_given_order(self, log: EventLog) -> None:
        append(log, "before", partition=2)
        mixed = [frame("a", 2), frame("b", 0), frame("c", 2), frame("d", 0, DECISIONS_TOPIC), frame("e", 0)]
        assert log.append(mixed, TIMEOUT_S) == [1, 0, 2, 0, 1]
        assert values_of(read_all(log, 2)) == ["before", "a", "c"]
        assert values_of(read_all(log, 0)) == ["b", "e"]
        assert values_of(read_all(log, 0, DECISIONS_TOPIC)) == ["d"]

    def test_appending_nothing_does_nothing(self, log: EventLog) -> None:
        assert log.append([], TIMEOUT_S) == []
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 0)

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"{}",
            b"\x00\x00",
            b"a\nb\nc",
            b"\xff\xfe broken",
            '{"room":"Zürich 🎥"}'.encode(),
            b"x" * FRAME_BYTES_MAX,
        ],
        ids=["empty", "object", "nul", "lines", "no-utf8", "unicode", "largest"],
    )
    def test_a_frame_is_read_back_exactly_as_it_was_appended(self, log: EventLog, value: bytes) -> None:
        started_ms = now_ms()
        log.append([Frame(INPUTS_TOPIC, 3, value, 7)], TIMEOUT_S)
        (record,) = log.read(INPUTS_TOPIC, 3, 0, 1000)
        assert record == Record(INPUTS_TOPIC, 3, 0, record.appended_at_ms, value, 7)
        assert started_ms <= record.appended_at_ms <= now_ms()

    def test_reading_starts_anywhere_and_ends_at_the_end(self, log: EventLog) -> None:
        append(log, "a", "b", "c")
        assert values_of(log.read(INPUTS_TOPIC, 0, 1, 1 << 20)) == ["b", "c"]
        assert log.read(INPUTS_TOPIC, 0, 3, 1 << 20) == []
        assert log.read(INPUTS_TOPIC, 0, 99, 1 << 20) == []

    def test_reading_gives_about_the_bytes_asked_for_and_at_least_one_frame(self, log: EventLog) -> None:
        log.append([frame(b"x" * 10_000) for _ in range(20)], TIMEOUT_S)
        assert len(log.read(INPUTS_TOPIC, 0, 0, 1)) == 1
        assert 1 <= len(log.read(INPUTS_TOPIC, 0, 0, 50_000)) <= 6
        assert [record.offset for record in read_all(log, limit_bytes=30_000)] == list(range(20))

    def test_what_was_appended_is_there_after_reopening(self, log: EventLog, open_again: OpenAgain) -> None:
        append(log, "a", "b")
        log_id = log.log_id
        log.close()
        again = open_again()
        assert again.log_id == log_id
        assert values_of(read_all(again)) == ["a", "b"]
        assert append(again, "c") == [2]

    def test_another_opening_sees_frames_as_soon_as_they_are_appended(
        self, log: EventLog, open_again: OpenAgain
    ) -> None:
        other = open_again()
        append(log, "a")
        assert values_of(read_all(other)) == ["a"]
        assert append(other, "b") == [1]
        assert values_of(read_all(log)) == ["a", "b"]

    def test_another_number_of_partitions_is_refused_with_both_numbers(
        self, log: EventLog, open_again: OpenAgain
    ) -> None:
        with pytest.raises(LogMismatch, match=rf"{PARTITIONS} partitions.* 16 "):
            open_again(partitions=16)
        assert append(log, "still fine") == [0]

    def test_a_topic_or_partition_that_the_log_does_not_have_is_refused_and_nothing_is_written(
        self, log: EventLog
    ) -> None:
        for wrong in (frame(partition=PARTITIONS), frame(partition=-1), frame(topic="other")):
            with pytest.raises(ValueError, match="the log has"):
                log.append([frame(), wrong], TIMEOUT_S)
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 0)

    def test_threads_that_append_at_once_lose_nothing_and_leave_no_gap(self, log: EventLog) -> None:
        got: dict[str, int] = {}

        def write(writer: int) -> None:
            for number in range(25):
                names = [f"{writer}-{number}-{part}" for part in range(3)]
                got.update(zip(names, append(log, *names), strict=True))

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        records = read_all(log)
        assert [record.offset for record in records] == list(range(300))
        assert {record.value.decode(): record.offset for record in records} == got

    def test_no_consumer_is_at_work_on_a_log_that_nobody_processes(self, log: EventLog) -> None:
        assert log.consumers() == 0

    def test_a_closed_log_takes_and_gives_nothing(self, log: EventLog) -> None:
        log.close()
        with pytest.raises(LogUnavailable):
            append(log, "a")
        with pytest.raises(LogUnavailable):
            log.bounds(INPUTS_TOPIC)

    # -- following

    def test_a_tail_gives_frames_from_the_offset_asked_for(self, log: EventLog) -> None:
        append(log, "a", "b", "c")
        tail = log.follow(INPUTS_TOPIC, {0: 1})
        assert values_of(poll_until(tail, 2)) == ["b", "c"]
        append(log, "d")
        assert values_of(poll_until(tail, 1)) == ["d"]
        tail.close()

    def test_a_tail_starts_at_the_end_of_partitions_that_are_not_named(self, log: EventLog) -> None:
        append(log, "old", partition=0)
        append(log, "old", partition=1)
        tail = log.follow(INPUTS_TOPIC, {1: 0})
        append(log, "new", partition=0)
        found = poll_until(tail, 2)
        assert sorted((record.partition, record.value) for record in found) == [(0, b"new"), (1, b"old")]
        tail.close()

    def test_a_tail_gives_its_topic_only(self, log: EventLog) -> None:
        tail = log.follow(DECISIONS_TOPIC, {})
        append(log, "input")
        append(log, "decision", topic=DECISIONS_TOPIC)
        assert values_of(poll_until(tail, 1)) == ["decision"]
        assert tail.poll(0) == []
        tail.close()

    def test_a_tail_waits_no_longer_than_asked(self, log: EventLog) -> None:
        tail = log.follow(INPUTS_TOPIC, {})
        started = time.monotonic()
        assert tail.poll(0.2) == []
        assert 0.15 < time.monotonic() - started < 10
        tail.close()

    def test_a_waiting_tail_is_woken_by_an_append_from_elsewhere(self, log: EventLog, open_again: OpenAgain) -> None:
        other = open_again()
        tail = log.follow(INPUTS_TOPIC, {})
        writer = threading.Timer(0.2, append, args=(other, "hello"))
        writer.start()
        assert values_of(tail.poll(TIMEOUT_S)) == ["hello"]
        writer.join()
        tail.close()

    def test_a_tail_gives_everything_that_piled_up_in_order(self, log: EventLog) -> None:
        for number in range(40):
            log.append([frame(f"{number}".encode().ljust(100_000), number % 2) for _ in range(2)], TIMEOUT_S)
        tail = log.follow(INPUTS_TOPIC, {0: 0, 1: 0})
        found = poll_until(tail, 80)
        for partition in (0, 1):
            assert [record.offset for record in found if record.partition == partition] == list(range(40))
        tail.close()

    def test_closing_a_tail_ends_its_poll(self, log: EventLog) -> None:
        tail = log.follow(INPUTS_TOPIC, {})
        closer = threading.Timer(0.2, tail.close)
        closer.start()
        started = time.monotonic()
        assert tail.poll(TIMEOUT_S) == []
        assert time.monotonic() - started < TIMEOUT_S / 2
        closer.join()

    # -- trimming

    def test_trimming_forgets_old_frames_below_the_given_offset_only(self, log: EventLog) -> None:
        append(log, "a", "b", "c")
        append(log, "other", partition=1)
        assert log.trim(INPUTS_TOPIC, {0: 2}, now_ms() + 1) == 2
        assert log.bounds(INPUTS_TOPIC) == {0: Bounds(2, 3), 1: Bounds(0, 1), 2: Bounds(0, 0), 3: Bounds(0, 0)}
        assert values_of(log.read(INPUTS_TOPIC, 0, 0, 1000)) == ["c"]
        assert values_of(read_all(log, 1)) == ["other"]

    def test_trimming_keeps_frames_that_are_too_young(self, log: EventLog) -> None:
        append(log, "a", "b")
        assert log.trim(INPUTS_TOPIC, {0: 2}, now_ms() - 60_000) == 0
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(0, 2)

    def test_offsets_go_on_after_everything_was_trimmed(self, log: EventLog, open_again: OpenAgain) -> None:
        append(log, "a", "b")
        assert log.trim(INPUTS_TOPIC, {0: 1000}, now_ms() + 1) == 2
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(2, 2)
        log.close()
        again = open_again()
        assert append(again, "c") == [2]
        tail = again.follow(INPUTS_TOPIC, {0: 0})
        assert [record.offset for record in poll_until(tail, 1)] == [2]
        tail.close()

    def test_trimming_twice_forgets_nothing_more(self, log: EventLog) -> None:
        append(log, "a", "b", "c")
        assert log.trim(INPUTS_TOPIC, {0: 2}, now_ms() + 1) == 2
        assert log.trim(INPUTS_TOPIC, {0: 1}, now_ms() + 1) == 0
        assert log.bounds(INPUTS_TOPIC)[0] == Bounds(2, 3)
