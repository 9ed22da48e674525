"""Ended leases: each is asked about once, in time, and only by a worker that has read what was in the log."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from processors.expiry import Expiry
from processors.partition import Partition
from state_machine.inputs import Input
from storage.event_log import INPUTS_TOPIC, Frame, LogUnavailable
from storage.frames import decode_input, split_frame
from storage.sqlite_log import SqliteLog
from tests.processors.builders import RULES, T0_MS, a_partition, command, judged, status

END_MS = T0_MS + RULES.call_lease_ms


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    made = SqliteLog(tmp_path / "log.db", 1)
    yield made
    made.close()


def asked(log: SqliteLog) -> list[Input]:
    return [
        decode_input(line) for record in log.read(INPUTS_TOPIC, 0, 0, 1 << 30) for line in split_frame(record.value)
    ]


def held_with(*items: Input) -> Partition:
    held = a_partition()
    judged(*items, held=held)
    return held


async def test_a_lease_is_asked_about_when_it_has_ended_and_not_before(log: SqliteLog) -> None:
    expiry = Expiry({0: held_with(status())}, log)
    assert await expiry.look(END_MS - 1) == 0
    assert await expiry.look(END_MS) == 1
    assert [(item.kind, item.room, item.session, item.received_at_ms) for item in asked(log)] == [
        ("expire", "r", "s", END_MS)
    ]


async def test_the_same_end_is_asked_about_once(log: SqliteLog) -> None:
    expiry = Expiry({0: held_with(status())}, log)
    assert await expiry.look(END_MS) == 1
    assert await expiry.look(END_MS + 1) == 0
    assert await expiry.look(END_MS + 10_000_000) == 0


async def test_a_renewed_lease_is_asked_about_at_its_new_end(log: SqliteLog) -> None:
    held = held_with(status())
    expiry = Expiry({0: held}, log)
    judged(status(received_at_ms=T0_MS + 1000), held=held, offset=1)
    assert await expiry.look(END_MS + 999) == 0
    assert await expiry.look(END_MS + 1000) == 1


async def test_a_lease_renewed_after_it_was_asked_about_is_asked_about_again(log: SqliteLog) -> None:
    held = held_with(command("open", session="s", lease_ms=1000))
    expiry = Expiry({0: held}, log)
    assert await expiry.look(T0_MS + 1000) == 1
    refresh = command("refresh", session="s", received_at_ms=T0_MS + 999)
    block = judged(refresh, *asked(log), held=held, offset=1)
    assert [(fact.name, fact.reason) for fact in block.facts] == [
        ("session_refreshed", ""),
        ("ignored", "lease_renewed"),
    ]
    assert await expiry.look(T0_MS + 1998) == 0
    assert await expiry.look(T0_MS + 1999) == 1


async def test_of_a_room_only_the_sessions_whose_lease_ended_are_asked_about(log: SqliteLog) -> None:
    held = held_with(
        command("open", session="short", lease_ms=1000),
        command("open", session="long", lease_ms=5000),
        command("open", "never", "left", lease_ms=2000),
        command("close", "never", "left"),
    )
    expiry = Expiry({0: held}, log)
    assert await expiry.look(T0_MS + 3000) == 1
    assert await expiry.look(T0_MS + 5000) == 1
    assert [item.session for item in asked(log)] == ["short", "long"]


async def test_nobody_is_asked_before_the_log_is_read_up_to_where_it_ended_at_takeover(log: SqliteLog) -> None:
    held = held_with(status())
    held.end_at_takeover = 2
    expiry = Expiry({0: held}, log)
    assert await expiry.look(END_MS) == 0
    judged(status(received_at_ms=END_MS - 1), held=held, offset=1)
    assert await expiry.look(END_MS) == 0
    assert await expiry.look(END_MS - 1 + RULES.call_lease_ms) == 1


async def test_an_expiry_is_decided_once_even_if_two_ask(log: SqliteLog) -> None:
    held = held_with(status())
    expire = command("expire", session="s", received_at_ms=END_MS + 7)
    block = judged(expire, expire, held=held, offset=1)
    assert [(fact.name, fact.reason, fact.at_ms) for fact in block.facts] == [
        ("session_closed", "expired", END_MS),
        ("ignored", "already_closed", END_MS + 7),
    ]


class FailingLog(SqliteLog):
    """A log that takes nothing for a while."""

    is_failing = True

    def append(self, frames: Sequence[Frame], timeout_s: float) -> Sequence[int]:
        if self.is_failing:
            raise LogUnavailable("no room left")
        return super().append(frames, timeout_s)


async def test_what_the_log_did_not_take_is_asked_again(tmp_path: Path) -> None:
    log = FailingLog(tmp_path / "failing.db", 1)
    expiry = Expiry({0: held_with(status(), status(session="t"))}, log)
    assert await expiry.look(END_MS) == 0
    log.is_failing = False
    assert await expiry.look(END_MS) == 2
    assert {item.session for item in asked(log)} == {"s", "t"}
    log.close()
