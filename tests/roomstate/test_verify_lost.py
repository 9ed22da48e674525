"""`roomstate verify` on a log that lost something, or was trimmed."""

import contextlib
import sqlite3

from roomstate.verification.verify import verify
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.ownership import claim
from storage.store import Store
from tests.roomstate.judged_log import PARTITIONS, JudgedLog
from tests.roomstate.verified import INPUTS, found, found_with, verified
from tests.storage.rows_builder import LOG_ID, NOON_MS, put


def take_from_the_log(filled: JudgedLog, condition: str) -> None:
    with contextlib.closing(sqlite3.connect(filled.path)) as connection, connection:
        connection.execute(f"DELETE FROM frames WHERE topic = 1 AND partition = 0 AND {condition}")


async def test_frames_that_the_log_lost_are_named(filled: JudgedLog, store_database: str) -> None:
    take_from_the_log(filled, "offset IN (1, 2)")
    assert await found_with(filled.without(*filled.at(0, 2)), filled, store_database) == [
        ("unexpected", 0, "1", "all", 1),
        ("gone", 0, "2", "all", 1),
    ]


async def test_a_frame_whose_bytes_were_changed_is_named(filled: JudgedLog, store_database: str) -> None:
    with contextlib.closing(sqlite3.connect(filled.path)) as connection, connection:
        changed = (
            "UPDATE frames SET value = CAST(replace(value, '127', '128') AS BLOB) WHERE topic = 1 AND partition = 1"
        )
        connection.execute(changed.replace("127", "{").replace("128", "{ "))
        connection.execute("UPDATE frames SET value = X'7B7D' WHERE topic = 1 AND partition = 0 AND offset = 1")
    assert await found_with(filled.rows, filled, store_database) == [("changed", 0, "1", "all", 1)]


async def test_what_was_trimmed_is_not_compared_but_counted(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
    filled.log.trim(INPUTS_TOPIC, {0: 2}, now_ms() + 1000)
    result = await verified(filled, store_database)
    assert found(result) == []
    assert [partition.older for partition in result.partitions] == [4, 0, 0]
    assert result.partitions[0].first_offset == 2


async def test_what_was_trimmed_meanwhile_is_not_compared(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        trimmed: list[int] = []

        def trim_once(*_: object) -> None:
            if not trimmed:
                trimmed.append(filled.log.trim(INPUTS_TOPIC, dict.fromkeys(range(PARTITIONS), 2), now_ms() + 1000))

        result = await verify(filled.log, store, trim_once)
    assert trimmed == [6]
    assert found(result) == []


async def test_what_was_trimmed_before_it_was_stored_is_lost(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.at(0, 0))
        await put(store, [row for row in filled.rows if row["log_partition"] > 0])
    filled.log.trim(INPUTS_TOPIC, {0: 3}, now_ms() + 1000)
    assert found(await verified(filled, store_database)) == [
        ("lost", 0, "1-2", "all", 2),
        ("pending", 0, "3-4", "all", 6),
    ]


async def test_a_store_of_which_retention_took_all_of_a_partition(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        await claim(store, range(PARTITIONS), "me", LOG_ID, NOON_MS)
        await store.command("TRUNCATE TABLE room_events")
    result = await verified(filled, store_database)
    assert result.totals == {"missing": INPUTS}
