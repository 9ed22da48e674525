"""The SQL that brings rooms back, on the real store: it finds what the naive writing of the same questions finds."""

import random
from collections.abc import AsyncIterator, Mapping

import pytest

from processors.block import Block
from processors.partition import Partition
from processors.restore import restore_publications, restore_stays, restored_rooms
from processors.rooms import RoomKey
from processors.rows import rows_of as rows_of_block
from processors.step import judge
from processors.taken import decode_slice
from state_machine.inputs import Input
from state_machine.room import NEVER_MS, Room
from storage.columns import LANDING_TABLE
from storage.frames import partition_of
from storage.live_stays import BALANCE, live_stays
from storage.ownership import claim
from storage.publications import running_publications
from storage.restoring import last_decisions, named_rooms
from storage.store import Store
from tests.processors.builders import RULES, T0_MS, a_partition, command, frame_of, judged, plain_rows, status
from tests.processors.stored_in_memory import Row, restored, restored_by_name

KINDS = ["status"] * 8 + ["open", "open", "refresh", "close", "kill", "room_create", "room_update", "room_delete"]
KINDS += ["publish", "publish", "unpublish"]
EVENTS = ["Session.connectionCreated", "Publisher.streamCreated", "Session.streamDestroyed", "sdk.exception.x"]


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    async with await Store.connect(store_database) as connected:
        yield connected


def some_inputs(seed: int, count: int = 400) -> list[Input]:
    """Return an afternoon in a few rooms: everything that can happen to them."""
    chance = random.Random(seed)
    now = T0_MS
    items = []
    for _ in range(count):
        now += chance.choice([0, 1, 500, 20_000, 20_000, 310_000])
        items.append(
            Input(
                kind=chance.choice(KINDS),
                received_at_ms=now,
                room_kind=chance.choice(["call", "call", "account", "stream", "stream"]),
                room=chance.choice(["r", "q", "ré\x00\n'\\"]),
                session=chance.choice(["a", "b", "c", ""]),
                event=chance.choice(EVENTS),
                state=chance.choice(["waiting", "starting", "sending", "sendrecv", "?"]),
                connections=chance.randrange(4),
                send_streams=chance.randrange(2),
                recv_streams=chance.randrange(2),
                id=chance.choice(["", f"i{chance.randrange(400)}"]),
                seq=chance.choice([0, chance.randrange(50)]),
                user=chance.choice(["", "u", "v"]),
                lease_ms=chance.choice([0, 0, 1_000_000]),
                client_max_size=chance.randrange(4),
                max_size=chance.randrange(4),
                device_type=chance.choice(["", "tv"]),
                extra=chance.choice([{}, {"roomName": "Tea"}, {"node": "o.example", "region": "eu"}]),
            )
        )
    return items


async def store_all(store: Store, items: list[Input]) -> list[Row]:
    """Judge every input, store its rows, and return them; they are spread over several inserts."""
    epochs = await claim(store, [0], "test", "log", T0_MS)
    held, found = a_partition(), []
    for offset, start in enumerate(range(0, len(items), 40)):
        block = judged(*items[start : start + 40], held=held, offset=offset)
        table = rows_of_block(block, epochs, T0_MS + offset)
        await store.insert(LANDING_TABLE, table)
        found += plain_rows(table)
    return found


async def rooms_with_sessions(store: Store, closed_since_ms: Mapping[int, int]) -> dict[RoomKey, Room]:
    """Return the rooms as a takeover brings them back."""
    rooms: dict[RoomKey, Room] = {}
    async for stays in live_stays(store, closed_since_ms):
        restore_stays(rooms, stays)
    restore_publications(rooms, await running_publications(store, closed_since_ms))
    return rooms


@pytest.mark.parametrize("seed", range(4))
async def test_rooms_of_a_partition_come_back_as_they_were(store: Store, seed: int) -> None:
    items = some_inputs(seed)
    rows = await store_all(store, items)
    for since_ms in (T0_MS, items[-1].received_at_ms - RULES.closed_memory_ms, NEVER_MS):
        back = await rooms_with_sessions(store, {0: since_ms})
        assert back == restored(rows, since_ms)
    assert any(room.publication for room in back.values())


async def test_rooms_by_name_come_back_with_their_attributes_and_answers(store: Store) -> None:
    rows = await store_all(store, some_inputs(7))
    keys = frozenset({("call", "ré\x00\n'\\"), ("account", "r"), ("call", "nowhere")})
    back = restored_rooms(await named_rooms(store, keys))
    assert back == restored_by_name(rows, keys)
    assert any(room.answers for room in back.values())


async def test_a_worker_gets_the_rooms_of_its_partitions_only(store: Store) -> None:
    keys: list[RoomKey] = [("call", f"room {number}") for number in range(40)]
    epochs = await claim(store, range(8), "test", "log", T0_MS)
    block = Block()
    for number in range(8):
        items = [status(room=room) for kind, room in keys if partition_of(kind, room, 8) == number]
        judge(decode_slice(frame_of(items), 0, 100), Partition(number, epochs[number], 0), 8, RULES, block)
    await store.insert(LANDING_TABLE, rows_of_block(block, epochs, T0_MS))
    back = await rooms_with_sessions(store, {2: T0_MS, 5: T0_MS})
    assert set(back) == {key for key in keys if partition_of(*key, 8) in (2, 5)}


async def test_of_many_answers_the_last_128_come_back_in_their_order(store: Store) -> None:
    await store_all(store, [command("refresh", session="s", id=f"i{number}") for number in range(200)])
    back = restored_rooms(await named_rooms(store, [("call", "r")]))
    assert list(back["call", "r"].answers) == [f"i{number}" for number in range(72, 200)]


async def test_of_many_ids_the_last_32_come_back_in_their_order(store: Store) -> None:
    await store_all(store, [status(id=f"i{number}") for number in range(100)])
    back = await rooms_with_sessions(store, {0: T0_MS})
    assert back["call", "r"].sessions["s"].recent_ids == tuple(f"i{number}" for number in range(68, 100))


async def test_an_empty_store_has_no_rooms_and_no_decisions(store: Store) -> None:
    assert await rooms_with_sessions(store, dict.fromkeys(range(8), T0_MS)) == {}
    assert await last_decisions(store, range(8), 5_000, T0_MS) == []


async def test_the_last_decisions_are_those_of_the_newest_rows(store: Store) -> None:
    epochs = await claim(store, [0], "test", "log", T0_MS)
    held = a_partition()
    for offset, judged_at_ms in enumerate((T0_MS, T0_MS + 6_000, T0_MS + 7_000)):
        items = [command("open", session=f"s{offset}", id=f"i{offset}"), status(session=f"s{offset}")]
        block = judged(*items, held=held, offset=offset)
        await store.insert(LANDING_TABLE, rows_of_block(block, epochs, judged_at_ms))
    rows = await last_decisions(store, [0], 5_000, T0_MS + 10_000)
    assert [(row.input_id, row.fact.name, row.place) for row in rows] == [
        ("i1", "session_opened", (0, 1, 0)),
        ("i2", "session_opened", (0, 2, 0)),
    ]
    assert await last_decisions(store, [0], 5_000, T0_MS + 3_700_000) == []


async def test_the_balance_of_openings_is_read_from_its_projection(store: Store) -> None:
    await store.command("SYSTEM STOP MERGES room_events")
    await store_all(store, some_inputs(0))
    await store.command("SYSTEM START MERGES room_events")
    await store.command("OPTIMIZE TABLE room_events FINAL")  # projections come when parts are merged
    plan = "\n".join(line for (line,) in await store.rows(f"EXPLAIN projections = 1 {BALANCE}", {"numbers": [0]}))
    assert "ReadFromMergeTree (by_opening)" in plan


async def test_a_stay_whose_lease_ended_long_before_the_newest_row_comes_back_if_nobody_closed_it(store: Store) -> None:
    days_ms = 3 * 86_400_000
    epochs = await claim(store, [0], "test", "log", T0_MS)
    held = a_partition()
    for offset, item in enumerate(
        (
            command("open", session="forgotten", room="q", id="i1"),
            command("open", session="closed", room="p", id="i2"),
            Input("close", T0_MS + 1, room="p", session="closed", id="i3"),
            Input("open", T0_MS + days_ms, room="r", session="young", id="i4"),
        )
    ):
        block = judged(item, held=held, offset=offset)
        await store.insert(LANDING_TABLE, rows_of_block(block, epochs, item.received_at_ms))
    back = await rooms_with_sessions(store, {0: NEVER_MS})
    assert {key: list(room.sessions) for key, room in back.items()} == {
        ("call", "q"): ["forgotten"],
        ("call", "r"): ["young"],
    }


async def test_a_stay_without_a_lease_comes_back_however_old_it_is(store: Store) -> None:
    epochs = await claim(store, [0], "test", "log", T0_MS)
    held = a_partition()
    for offset, days in enumerate((0, 40)):
        item = Input("open", T0_MS + days * 86_400_000, "stream", f"live-{days}", "s", id=f"i{days}")
        await store.insert(
            LANDING_TABLE, rows_of_block(judged(item, held=held, offset=offset), epochs, item.received_at_ms)
        )
    assert len(await rooms_with_sessions(store, {0: NEVER_MS})) == 2
