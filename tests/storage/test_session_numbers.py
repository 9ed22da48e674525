"""Session numbers in the store: the last of each partition, and one for every live session."""

from pathlib import Path

import pytest

from storage.clock import now_ms
from storage.columns import LANDING_TABLE
from storage.migrate import MIGRATIONS_DIR, migrate
from storage.ownership import Owner, claim, record_marks
from storage.session_numbers import last_numbers
from storage.store import StaleEpoch, Store
from tests.storage.rows_builder import LOG_ID, Story, as_table, put

NOW_MS = now_ms()
LATER_MS = NOW_MS + 3_600_000


async def test_the_last_number_of_each_partition_is_found(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        assert await last_numbers(store, [0, 1]) == {0: 0, 1: 0}
        stories = [Story(0), Story(1)]
        stories[0].open("a", NOW_MS, LATER_MS, session_number=8192)
        stories[0].open("b", NOW_MS - 9, LATER_MS, session_number=12288)
        stories[1].open("c", NOW_MS, LATER_MS, session_number=8193).close(NOW_MS + 1)
        await put(store, [row for story in stories for row in story.rows])
        assert await last_numbers(store, [0, 1, 2]) == {0: 12288, 1: 8193, 2: 0}


async def test_the_last_number_outlives_the_rows(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        story = Story()
        story.open("a", NOW_MS, LATER_MS, session_number=8192)
        await put(store, story.rows)
        epochs = await claim(store, [0], "me", LOG_ID, NOW_MS)
        await record_marks(store, epochs, Owner("me", LOG_ID, NOW_MS))
        await store.command("TRUNCATE TABLE room_events")
        assert await last_numbers(store, [0]) == {0: 8192}


async def test_every_live_session_has_a_number_of_its_own(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        story = Story(inputs_per_frame=100)
        story.open("numbered", NOW_MS, LATER_MS, session_number=8192).refresh(NOW_MS + 5, LATER_MS)
        for name in range(50):  # opened in one millisecond, before there were numbers
            story.open(f"old {name}", NOW_MS, LATER_MS)
        await put(store, story.rows)
        found = dict(await store.rows("SELECT session_id, session_number FROM live_sessions"))
        assert found.pop("numbered") == 8192
        assert len(set(found.values())) == 50
        assert all(1 << 52 <= number < 1 << 53 for number in found.values())
        assert dict(await store.rows("SELECT session_id, session_number FROM live_sessions")) == found | {
            "numbered": 8192
        }


async def test_programs_of_before_and_their_rows_go_on(empty_database: str, tmp_path: Path) -> None:
    for path in sorted(MIGRATIONS_DIR.glob("*.sql"))[:7]:
        (tmp_path / path.name).write_text(path.read_text())
    await migrate(empty_database, folder=tmp_path)
    story = Story()
    story.open("before", NOW_MS, LATER_MS)
    story.open("after", NOW_MS, LATER_MS)
    rows = [as_table([row | {"epoch": 1}]).drop_columns(["session_number"]) for row in story.rows]
    async with await Store.connect(empty_database) as store:
        await store.command(f"INSERT INTO owners (log_partition, epoch, log_id) SELECT 0, 1, '{LOG_ID}'")
        await store.insert(LANDING_TABLE, rows[0])
        await migrate(empty_database)
        await store.insert(LANDING_TABLE, rows[1])
        with pytest.raises(StaleEpoch):
            await store.insert(LANDING_TABLE, as_table([story.rows[0] | {"epoch": 0}]))
        assert await last_numbers(store, [0]) == {0: 0}
        assert await store.rows(
            "SELECT session_id, session_number > bitShiftLeft(1::UInt64, 52) FROM live_sessions ORDER BY session_id"
        ) == [("after", True), ("before", True)]
