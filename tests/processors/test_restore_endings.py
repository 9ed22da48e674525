"""Rooms with an end, and clients that say anew what they can handle, come back from their rows as they were."""

from typing import Any

import pytest

from state_machine.endings import EXTENSION_MS
from state_machine.inputs import Input
from tests.processors.builders import RULES, T0_MS, command
from tests.processors.test_restore_laws import Run

HOUR_MS = 3_600_000
GONE_MS = RULES.call_lease_ms + RULES.closed_memory_ms + 120_000
"""After this long nobody's stay is remembered."""


def a_room(at: int = 0) -> Input:
    return command("room_create", user="o", max_size=3, expires_at_ms=T0_MS + at + HOUR_MS, received_at_ms=T0_MS + at)


def inside(kind: str, session: str, at: int, **members: Any) -> Input:
    return command(kind, session=session, received_at_ms=T0_MS + at, **members)


USED = [a_room(), inside("open", "a", 10), inside("close", "a", 20)]
JOINED = [a_room(), inside("open", "a", 10)]
UPDATED = [
    *JOINED,
    command("room_update", user="o", expires_at_ms=T0_MS + 2 * HOUR_MS, received_at_ms=T0_MS + 15),
]
SAID_AGAIN = [a_room(), inside("open", "a", 10, client_max_size=5), inside("open", "a", 20, client_max_size=1)]
CASES = {
    "left": (USED, 20 + EXTENSION_MS),
    "expired": (JOINED, 10 + EXTENSION_MS),
    "refreshed": ([*JOINED, inside("refresh", "a", 70)], 70 + EXTENSION_MS),
    "killed": ([*JOINED, inside("kill", "a", 30)], 30 + EXTENSION_MS),
    "updated": (UPDATED, 2 * HOUR_MS),
    "never used": ([a_room()], HOUR_MS),
    "opened by a status": ([a_room(), inside("status", "a", 10)], HOUR_MS),
}


@pytest.mark.parametrize(("log", "end"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("has_left_memory", [False, True])
@pytest.mark.parametrize(("at", "fact"), [(-1, "session_opened"), (0, "open_refused")])
def test_a_room_ends_when_it_would_have_in_memory(
    log: list[Input], end: int, has_left_memory: bool, at: int, fact: str
) -> None:
    run = Run()
    for offset, item in enumerate(log):
        run.judge(item, offset)
    if has_left_memory:
        for _ in range(2):
            run.held.rooms.sweep(T0_MS + 10 * GONE_MS, RULES, frozenset())
    else:
        run = run.taken_over(len(log), T0_MS + 100)
    assert run.judge(inside("open", "z", end + at), len(log))[-1]["fact"] == fact


def test_what_a_client_said_again_bounds_the_room_after_a_restart() -> None:
    run = Run()
    for offset, item in enumerate(SAID_AGAIN):
        run.judge(item, offset)
    again = run.taken_over(len(SAID_AGAIN), T0_MS + 100)
    for worker in (run, again):
        assert worker.judge(inside("open", "b", 50), len(SAID_AGAIN))[-1]["reason"] == "room_full"


@pytest.mark.parametrize(
    ("log", "at", "fact"),
    [(USED, 2 * HOUR_MS, "session_opened"), ([*UPDATED, inside("expire", "a", GONE_MS)], 2 * HOUR_MS, "open_refused")],
)
def test_a_room_that_only_statuses_were_seen_of_keeps_its_time_once_it_is_whole(
    log: list[Input], at: int, fact: str
) -> None:
    run = Run()
    for offset, item in enumerate(log):
        run.judge(item, offset)
    for _ in range(2):
        run.held.rooms.sweep(T0_MS + 10 * GONE_MS, RULES, frozenset())
    run.judge(inside("status", "b", GONE_MS), len(log))
    assert not run.held.rooms.is_whole(("call", "r"))
    assert run.judge(inside("open", "z", at), len(log) + 1)[-1]["fact"] == fact
