"""A room that comes back from its rows decides the rest exactly as the one that stayed in memory."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.block import Block
from processors.intake import Intake
from processors.judging import Judging
from processors.partition import Partition
from processors.rooms import RoomKey
from state_machine.inputs import Input
from state_machine.room import Room
from storage.frames import partition_of
from tests.processors.builders import RULES, T0_MS, a_partition, frame_of, rows
from tests.processors.stored_in_memory import Row, restored, restored_by_name

CLOSED_SINCE_MS = RULES.closed_memory_ms + 60_000

kinds = ["status"] * 6 + ["open", "open", "refresh", "close", "kill", "expire"]
kinds += ["room_create", "room_update", "room_delete", "log_domains", "register", "publish", "unpublish"]
events = ["Session.connectionCreated", "Publisher.streamCreated", "Session.streamDestroyed", "sdk.exception.x", "?"]
states = ["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup", "strange"]
steps_ms = st.sampled_from([0, 0, 1, 1_000, 20_000, 100_000, 290_000, 301_000, 400_000, 4_838_400_000])
PLACE = {"node": "origin.example", "region": "eu"}
items = st.builds(
    Input,
    kind=st.sampled_from(kinds),
    received_at_ms=steps_ms,
    room_kind=st.sampled_from(["call", "call", "call", "stream"]),
    room=st.sampled_from(["r", "q"]),
    session=st.sampled_from(["a", "a", "b", "c", ""]),
    event=st.sampled_from(events),
    state=st.sampled_from(states),
    connections=st.integers(0, 3),
    send_streams=st.integers(0, 1),
    recv_streams=st.integers(0, 1),
    id=st.sampled_from(["", "", "i", "j", "k"]),
    seq=st.sampled_from([0, 0, 1, 2, 5]),
    user=st.sampled_from(["", "u", "v"]),
    implicit=st.booleans(),
    lease_ms=st.sampled_from([0, 0, 30_000, 1_000_000]),
    client_max_size=st.integers(0, 2),
    max_size=st.integers(0, 2),
    expires_at_ms=st.sampled_from([0, T0_MS + 700_000]),
    device_type=st.sampled_from(["", "tv"]),
    extra=st.sampled_from([{}, {"roomName": "Tea"}, {"implicit": True, "client_max_size": "many"}, PLACE]),
)


@dataclass
class Run:
    """A worker in small: its partition, and every row that it ever stored."""

    held: Partition = field(default_factory=a_partition)
    stored: list[Row] = field(default_factory=list)

    async def fetch(self, keys: frozenset[RoomKey]) -> Mapping[RoomKey, Room]:
        return restored_by_name(self.stored, keys)

    def judge(self, item: Input, offset: int) -> list[Row]:
        """Return the rows of one input, which are stored then."""
        intake, block = Intake(), Block()
        judging = Judging(intake, 1, RULES, self.fetch)
        judging.held[0] = self.held

        async def judge_one() -> None:
            await intake.put([frame_of([item], offset)])
            await judging.fill(block)

        asyncio.run(judge_one())
        new = rows(block)
        self.stored += new
        return new

    def taken_over(self, offset: int, received_ms: int) -> "Run":
        """Return the worker that takes over from this one: it has the rows, nothing else."""
        held = a_partition(offset)
        for key, room in restored(self.stored, received_ms - CLOSED_SINCE_MS).items():
            held.rooms.add_sessions(key, room)
        held.last_number = max((row["session_number"] for row in self.stored), default=0)
        return Run(held, list(self.stored))


def received_in_turn(drawn: list[Input]) -> list[Input]:
    """Return the inputs with their steps in time made into times."""
    now = T0_MS
    for item in drawn:
        now += item.received_at_ms
        item.received_at_ms = now
    return drawn


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items, min_size=2, max_size=25), st.data())
def test_a_restored_room_decides_the_rest_as_the_one_in_memory(drawn: list[Input], data: st.DataObject) -> None:
    log = received_in_turn(drawn)
    cut = data.draw(st.integers(1, len(log) - 1))
    stayed = Run()
    for offset, item in enumerate(log[:cut]):
        stayed.judge(item, offset)
    restarted = stayed.taken_over(cut, log[cut].received_at_ms)
    for offset, item in enumerate(log[cut:], cut):
        assert restarted.judge(item, offset) == stayed.judge(item, offset)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items, min_size=2, max_size=25), st.sets(st.integers(1, 24)))
def test_rooms_that_leave_memory_come_back_unchanged(drawn: list[Input], sweeps: set[int]) -> None:
    log = received_in_turn(drawn)
    stayed, swept = Run(), Run()
    for offset, item in enumerate(log):
        if offset in sweeps:
            swept.held.rooms.sweep(item.received_at_ms, RULES, frozenset())
            swept.held.rooms.sweep(item.received_at_ms, RULES, frozenset())
        assert swept.judge(item, offset) == stayed.judge(item, offset)


def test_an_idle_room_leaves_memory_and_a_live_one_stays() -> None:
    run = Run()
    log = received_in_turn([Input(room="r", session="a", received_at_ms=0), Input("room_create", 0, room="q")])
    for offset, item in enumerate(log):
        run.judge(item, offset)
    for _ in range(2):
        run.held.rooms.sweep(T0_MS, RULES, frozenset())
    assert list(run.held.rooms.by_key) == [("call", "r")]
    run.judge(Input("close", T0_MS + 1, room="r", session="a"), 2)
    for _ in range(2):
        run.held.rooms.sweep(T0_MS + 10 * RULES.closed_memory_ms, RULES, frozenset())
    assert not run.held.rooms.by_key


def test_a_room_with_rows_on_their_way_to_the_store_stays_in_memory() -> None:
    run = Run()
    run.judge(Input("room_create", T0_MS, room="q"), 0)
    for _ in range(2):
        run.held.rooms.sweep(T0_MS, RULES, frozenset({("call", "q")}))
    assert list(run.held.rooms.by_key) == [("call", "q")]


def test_one_partition_holds_every_room() -> None:
    assert partition_of("call", "q", 1) == 0


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.sampled_from("abcd")), min_size=2, max_size=20), st.data())
def test_numbers_go_on_where_they_were_whatever_the_clock_does(
    drawn: list[tuple[int, str]], data: st.DataObject
) -> None:
    log = [Input("open", T0_MS + shift_ms, room="r", session=session) for shift_ms, session in drawn]
    cut = data.draw(st.integers(1, len(log) - 1))
    stayed = Run()
    for offset, item in enumerate(log[:cut]):
        stayed.judge(item, offset)
    restarted = stayed.taken_over(cut, log[cut].received_at_ms)
    for offset, item in enumerate(log[cut:], cut):
        assert restarted.judge(item, offset) == stayed.judge(item, offset)
    numbers = [row["session_number"] for row in restarted.stored if row["fact"] == "session_opened"]
    assert numbers
    assert sorted(set(numbers)) == numbers
    assert all(row["session_number"] == 0 for row in restarted.stored if row["fact"] != "session_opened")


def test_a_lease_that_ends_earlier_after_a_clock_came_back_is_found_over_after_a_restart() -> None:
    stayed = Run()
    a_day_ahead_ms = T0_MS + 86_400_000
    stayed.judge(Input("open", a_day_ahead_ms, room="r", session="a"), 0)
    stayed.judge(Input("refresh", T0_MS, room="r", session="a"), 1)
    restarted = stayed.taken_over(2, T0_MS)
    over = Input("refresh", T0_MS + RULES.call_lease_ms, room="r", session="a")
    assert [row["fact"] for row in stayed.judge(over, 2)] == ["session_closed", "refresh_refused"]
    assert [row["fact"] for row in restarted.judge(over, 2)] == ["session_closed", "refresh_refused"]


def test_an_expiry_that_was_answered_is_repeated_after_a_restart() -> None:
    stayed = Run()
    over_ms = T0_MS + RULES.call_lease_ms
    stayed.judge(Input("open", T0_MS, room="r", session="a"), 0)
    asked = Input("expire", over_ms, room="r", session="a", id="i")
    assert [row["reason"] for row in stayed.judge(asked, 1)] == ["expired"]
    restarted = stayed.taken_over(2, over_ms)
    assert [row["reason"] for row in restarted.judge(asked, 2)] == ["duplicate"]
