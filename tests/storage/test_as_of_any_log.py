"""Who was in a room at the time of each fact of any log: what the core holds when it is played up to there."""

import itertools
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from processors.block import Block
from processors.rows import rows_of
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.leases import is_live
from state_machine.room import Room
from storage.columns import LANDING_TABLE
from storage.ownership import claim
from storage.store import Store
from tests.state_machine.builders import RULES
from tests.state_machine.drawing import jumping_logs, logs, room_kinds
from tests.storage.rows_builder import LOG_ID, NOON_MS
from tests.storage.test_as_of import inside

ROOMS = itertools.count()
BOUNDED = settings(
    deadline=None,
    max_examples=3,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def stored(store: Store, room: Room, items: list[Input]) -> list[Fact]:
    """Store what the core decides about the inputs, and return it."""
    block = Block()
    for offset, item in enumerate(items):
        # A room that ends by itself is judged by what is found of it later; that has its own tests.
        item.room, item.room_kind, item.expires_at_ms = room.room_id, room.room_kind, 0
        facts = decide(room, item, RULES)
        for fact in facts:
            evolve(room, fact)
        block.facts += facts
        block.items += [item] * len(facts)
        block.partitions += [0] * len(facts)
        block.offsets += [offset] * len(facts)
        block.indexes += [0] * len(facts)
        block.frame_inputs += [1] * len(facts)
    if block.facts:
        epochs = await claim(store, {0}, "as of", LOG_ID, NOON_MS)
        await store.insert(LANDING_TABLE, rows_of(block, epochs, NOON_MS))
    return block.facts


def played_up_to(facts: list[Fact], room: Room, at_ms: int) -> list[tuple[Any, ...]]:
    """Return who is inside according to the core, leases that are over taken off."""
    for fact in facts:
        if fact.at_ms <= at_ms:
            evolve(room, fact)
    return sorted(
        (each.session_id, each.snapshot.state, each.since_ms, *each.snapshot[1:])
        for each in room.sessions.values()
        if each.session_id and is_live(each) and not 0 < each.lease_ends_at_ms <= at_ms
    )


def remembered_up_to(facts: list[Fact], at_ms: int) -> list[tuple[Any, ...]]:
    """Return who was inside according to what is known in the end, stay by stay."""
    stays: dict[tuple[str, int], list[Fact]] = {}
    for fact in facts:
        if fact.session_id and fact.opened_at_ms:
            stays.setdefault((fact.session_id, fact.opened_at_ms), []).append(fact)
    found = []
    for (session, opened_at_ms), of_stay in stays.items():
        closings = [fact.at_ms for fact in of_stay if fact.name == "session_closed"]
        leases = [fact.lease_ends_at_ms for fact in of_stay if fact.lease_ends_at_ms]
        over = max(leases[-1], *(fact.at_ms for fact in of_stay), 0) if leases else at_ms + 1
        if opened_at_ms <= at_ms < (closings[0] if closings else over):
            moves = [fact for fact in of_stay if fact.moved and fact.at_ms <= at_ms]
            entered_at_ms = [fact.at_ms for fact in moves if fact.declared.state != fact.before.state][-1]
            found.append((session, moves[-1].declared.state, entered_at_ms, *moves[-1].declared[1:]))
    return sorted(found)


def some_of(moments: set[int]) -> list[int]:
    """Return up to six of the moments, from the first to the last."""
    ordered = sorted(moments)
    return ordered[:: max(1, len(ordered) // 5)]


@BOUNDED
@given(st.lists(st.tuples(room_kinds, logs), min_size=8, max_size=8))
async def test_as_of_each_fact_is_the_core_played_up_to_there(
    store_database: str, drawn: list[tuple[str, list[Input]]]
) -> None:
    async with await Store.connect(store_database) as store:
        for room_kind, items in drawn:
            name = f"room {next(ROOMS)}"
            facts = await stored(store, Room(room_kind, name), items)
            for at_ms in some_of({moment for fact in facts for moment in (fact.at_ms, fact.at_ms - 1)}):
                found = sorted(await inside(store, at_ms, name, room_kind))
                assert found == played_up_to(facts, Room(room_kind, name), at_ms)
                assert found == remembered_up_to(facts, at_ms)


@BOUNDED
@given(st.lists(st.tuples(room_kinds, jumping_logs), min_size=8, max_size=8))
async def test_clocks_that_jump_leave_each_stay_whole(
    store_database: str, drawn: list[tuple[str, list[Input]]]
) -> None:
    async with await Store.connect(store_database) as store:
        for room_kind, items in drawn:
            name = f"room {next(ROOMS)}"
            facts = await stored(store, Room(room_kind, name), items)
            for at_ms in some_of({fact.at_ms for fact in facts}):
                assert sorted(await inside(store, at_ms, name, room_kind)) == remembered_up_to(facts, at_ms)
