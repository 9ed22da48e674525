"""What docs/operating.md says of erasing a person: the rows stay, the person is gone, and no worker minds."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from processors.restore import restore_stays, restored_rooms
from processors.rooms import RoomKey
from processors.rows import rows_of
from state_machine.room import NEVER_MS, Room
from storage.columns import LANDING_TABLE
from storage.live_stays import live_stays
from storage.ownership import claim
from storage.restoring import named_rooms
from storage.store import Store
from tests.processors.builders import T0_MS, a_partition, command, judged, status

OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"
PERSON = "Ada"


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    async with await Store.connect(store_database) as connected:
        yield connected


def erasing_statement() -> str:
    found = re.search(r"```sql\n(ALTER TABLE room_events UPDATE .*?)\n```", OPERATING.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def test_an_erased_person_is_nowhere_and_rooms_still_come_back(store: Store) -> None:
    epochs = await claim(store, range(1), "test", "log", T0_MS)
    items = [
        command("room_create", room="hers", user=PERSON, extra={"room_owner": PERSON}, id="i1"),
        command("open", room="hers", session="s", user=PERSON, id="i2", extra={"display_name": PERSON}),
        status(room="hers", session="s"),
        command("open", room="theirs", session="t", user="Bob", id="i3"),
    ]
    block = judged(*items, held=a_partition())
    await store.insert(LANDING_TABLE, rows_of(block, epochs, T0_MS))
    before = await store.rows("SELECT count() FROM room_events")
    await store.command(erasing_statement(), {"user": PERSON})
    left = await store.rows(f"SELECT count() FROM room_events WHERE concat(user_id, extra) LIKE '%{PERSON}%'")
    assert left == [(0,)]
    assert await store.rows("SELECT count() FROM room_events") == before
    assert await store.rows("SELECT count() FROM sessions WHERE user_id = 'Bob'") == [(1,)]
    assert await store.rows(f"SELECT count() FROM sessions WHERE user_id = '{PERSON}'") == [(0,)]
    rooms: dict[RoomKey, Room] = {}
    async for stays in live_stays(store, {0: NEVER_MS}):
        restore_stays(rooms, stays)
    assert rooms["call", "hers"].sessions["s"].snapshot.connections == 1
    assert rooms["call", "theirs"].sessions["t"].user_id == "Bob"
    named = restored_rooms(await named_rooms(store, frozenset({("call", "hers")})))
    assert named["call", "hers"].owner == ""
