"""The SQL that brings rooms back, on the real store: it finds what the naive writing of the same questions finds."""

import random
from collections.abc import AsyncIterator

import pytest

from processors.restore import restored_rooms
from processors.rooms import RoomKey
from processors.rows import rows_of as rows_of_block
from state_machine.inputs import Input
from state_machine.room import NEVER_MS
from storage.columns import LANDING_TABLE
from storage.frames import partition_of
from storage.ownership import claim
from storage.restoring import WANTED_STAYS, last_decisions, live_rooms, named_rooms, stays_parameters
from storage.store import Store
from tests.processors.builders import RULES, T0_MS, a_partition, command, judged, plain_rows, status
from tests.processors.stored_in_memory import Row, restored, restored_by_name

KINDS = ["status"] * 8 + ["open", "open", "refresh", "close", "kill", "room_create", "room_update", "room_delete"]
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
                room_kind=chance.choice(["call", "call", "account"]),
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
                extra=chance.choice([{}, {"roomName": "Tea"}]),
            )
        )
    return items


async def store_all(store: Store, items: list[Input], partitions: int = 1) -> list[Row]:
    """Judge every input, store its rows, and return them; they are spread over several inserts."""
    epochs = await claim(store, range(partitions), "test", "log", T0_MS)
    held, found = a_partition(), []
    for offset, start in enumerate(range(0, len(items), 40)):
        block = judged(*items[start : start + 40], held=held, offset=offset)
        table = rows_of_block(block, epochs, T0_MS + offset)
        await store.insert(LANDING_TABLE, table)
        found += plain_rows(table)
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_rooms_of_a_partition_come_back_as_they_were(store: Store, seed: int) -> None:
    items = some_inputs(seed)
    rows = await store_all(store, items)
    for since_ms in (T0_MS, items[-1].received_at_ms - RULES.closed_memory_ms, NEVER_MS):
        back = restored_rooms(await live_rooms(store, 1, {0: since_ms}))
        assert back == restored(rows, since_ms)
    assert back


async def test_rooms_by_name_come_back_with_their_attributes_and_answers(store: Store) -> None:
    rows = await store_all(store, some_inputs(7))
    keys = frozenset({("call", "ré\x00\n'\\"), ("account", "r"), ("call", "nowhere")})
    back = restored_rooms(await named_rooms(store, keys))
    assert back == restored_by_name(rows, keys)
    assert any(room.answers for room in back.values())


async def test_a_worker_gets_the_rooms_of_its_partitions_only(store: Store) -> None:
    keys: list[RoomKey] = [("call", f"room {number}") for number in range(40)]
    await store_all(store, [status(room=room) for _, room in keys])
    back = restored_rooms(await live_rooms(store, 8, {2: T0_MS, 5: T0_MS}))
    assert set(back) == {key for key in keys if partition_of(*key, 8) in (2, 5)}


async def test_of_many_answers_the_last_128_come_back_in_their_order(store: Store) -> None:
    await store_all(store, [command("refresh", session="s", id=f"i{number}") for number in range(200)])
    back = restored_rooms(await named_rooms(store, [("call", "r")]))
    assert list(back["call", "r"].answers) == [f"i{number}" for number in range(72, 200)]


async def test_of_many_ids_the_last_32_come_back_in_their_order(store: Store) -> None:
    await store_all(store, [status(id=f"i{number}") for number in range(100)])
    back = restored_rooms(await live_rooms(store, 1, {0: T0_MS}))
    assert back["call", "r"].sessions["s"].recent_ids == [f"i{number}" for number in range(68, 100)]


async def test_an_empty_store_has_no_rooms_and_no_decisions(store: Store) -> None:
    assert restored_rooms(await live_rooms(store, 8, dict.fromkeys(range(8), T0_MS))) == {}
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


async def test_which_stays_are_wanted_is_read_from_the_projection(store: Store) -> None:
    for seed in range(3):
        await store_all(store, some_inputs(seed))
    explain = f"EXPLAIN projections = 1 {WANTED_STAYS}"
    plan = "\n".join(line for (line,) in await store.rows(explain, stays_parameters(1, {0: T0_MS})))
    assert "ReadFromMergeTree (by_stay)" in plan
