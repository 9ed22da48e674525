"""The evening that the recount is about: it holds all that there is, and is the same each time."""

import itertools
from collections import Counter

import pytest

from tests.truth.evening import EveningFrame, frames_of
from tests.truth.panels_of_protocol import VERDICTS
from tests.truth.plain_judgement import STATES
from tests.truth.plain_lines import KINDS, lines_of
from tests.truth.recount import Recount, recounted

PARTITIONS = 4
APPENDED_AT = 1_790_000_000_000


def read(frames: list[EveningFrame]) -> Recount:
    offsets = [itertools.count() for _ in range(PARTITIONS)]
    return recounted(
        line
        for frame in frames
        for line in lines_of((frame.partition, next(offsets[frame.partition])), APPENDED_AT, frame.value, PARTITIONS)
    )


@pytest.fixture(scope="module")
def recount() -> Recount:
    return read(frames_of(1, 600, PARTITIONS))


def test_the_same_seed_is_the_same_evening() -> None:
    assert frames_of(7, 20, PARTITIONS) == frames_of(7, 20, PARTITIONS) != frames_of(8, 20, PARTITIONS)


def test_all_that_can_be_decided_happens(recount: Recount) -> None:
    assert {each.verdict for each in recount.told if each.fact == "status_judged"} == set(VERDICTS)
    assert {each.fact for each in recount.told} == {
        "status_judged",
        "session_opened",
        "session_refreshed",
        "session_closed",
        "open_refused",
        "refresh_refused",
        "close_refused",
        "room_created",
        "room_updated",
        "room_deleted",
        "stream_published",
        "stream_unpublished",
        "domains_logged",
        "user_registered",
        "dead_letter",
        "ignored",
    }
    assert {each.kind for each in recount.told} == {*KINDS, ""}
    reasons = Counter((each.fact, each.reason) for each in recount.told)
    for reason in ("left", "expired", "killed", "replaced", "room_deleted"):
        assert reasons["session_closed", reason]
    for reason in ("room_full", "client_capacity", "playback_limit", "other_device_type", "killed", "room_expired"):
        assert reasons["open_refused", reason]
    for reason in ("unknown_state", "state_disagrees", "counter_jump"):
        assert reasons["status_judged", reason]
    for reason in ("not_an_input", "wrong_partition", "out_of_range", "unknown_kind", "unknown_room_kind", "oversized"):
        assert reasons["dead_letter", reason]


def test_clocks_step_back_and_sessions_come_back(recount: Recount) -> None:
    received = [line.received for line in recount.lines if not line.problem and line.place[0] == 0]
    assert any(after < before - 10_000 for before, after in itertools.pairwise(received))
    stays = Counter(stay.opening.stay[:3] for stay in recount.stays)
    assert max(stays.values()) > 2
    assert {stay.failure for stay in recount.stays} == {
        *[
            "killed",
            "sdk_exception",
            "network_disconnected",
            "force_disconnected",
            "lease_expired",
            "never_connected",
            "unknown",
        ],
        "",
    }
    assert {stay.state for stay in recount.stays} == set(STATES)


def test_intervals_of_a_stay_meet_and_add_up(recount: Recount) -> None:
    for stay in recount.stays:
        intervals = stay.intervals
        assert intervals[0].state == "init"
        for before, after in itertools.pairwise(intervals):
            assert (before.left_at, before.next_state) == (after.entered_at, after.state)
        if stay.closed_at is not None:
            assert sum(each.duration or 0 for each in intervals) == stay.closed_at - stay.opened_at


def test_a_room_never_holds_more_than_it_may(recount: Recount) -> None:
    for (room_kind, _), room in recount.rooms.items():
        devices = Counter(stay.device_type for stay in room.inside())
        assert room_kind != "account" or max(devices.values(), default=0) <= 2
