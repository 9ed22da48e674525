"""`ledger`, `accounting`, `dead_letters`, and that the views are answered from projections."""

import base64
import json
import random
import re
from collections import defaultdict
from typing import Any

import pytest

from storage.store import Store
from tests.storage.rows_builder import NOON_MS, Row, Story, put


def random_rows(seed: int) -> list[list[Row]]:
    """Three inserts of rows in two partitions: openings, statuses with consequences, dead letters."""
    drawn = random.Random(seed)
    inserts = []
    stories = [Story(0, inputs_per_frame=3), Story(1, inputs_per_frame=4)]
    for number in range(3):
        taken = [len(story.facts) for story in stories]
        for story in stories:
            story.judged_at_ms = NOON_MS + number
            for position in range(drawn.randint(1, 4) * story.inputs_per_frame):
                what = drawn.choice(("open", "implicit", "dead"))
                if what == "dead":
                    story.dead_letter(NOON_MS)
                elif what == "open":
                    story.open(f"{number}-{position}", NOON_MS)
                else:
                    story.open_implicitly(f"{number}-{position}", NOON_MS, NOON_MS)
        inserts.append([row for story, start in zip(stories, taken, strict=True) for row in story.rows[start:]])
    return inserts


def place(row: Row) -> tuple[int, int]:
    return row["log_offset"], row["log_index"]


def expected_accounting(rows: list[Row]) -> list[tuple[int, ...]]:
    by_partition: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_partition[row["log_partition"]].append(row)
    return [
        (
            partition,
            len({row["log_offset"] for row in mine}),
            min(row["log_offset"] for row in mine),
            max(row["log_offset"] for row in mine),
            sum({row["log_offset"]: row["frame_inputs"] for row in mine}.values()),
            len({(row["log_offset"], row["log_index"]) for row in mine if row["fact"] != "dead_letter"}),
            sum(row["fact"] == "dead_letter" for row in mine),
            sum({row["log_offset"] for row in mine}),
            *[sum((offset + 1) * (index + 1) for offset, index in {place(row) for row in mine})] * 2,
        )
        for partition, mine in sorted(by_partition.items())
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_accounting_adds_up_by_partition(store_database: str, seed: int) -> None:
    inserts = random_rows(seed)
    async with await Store.connect(store_database) as store:
        for rows in inserts:
            await put(store, rows)
        found = await store.rows("SELECT * FROM accounting ORDER BY log_partition")
    expected = expected_accounting([row for rows in inserts for row in rows])
    assert found == expected
    assert all(accepted == stored + dead for _, _, _, _, accepted, stored, dead, *_ in found)


async def test_the_ledger_has_one_row_per_partition_and_insert(store_database: str) -> None:
    inserts = random_rows(7)
    async with await Store.connect(store_database) as store:
        for rows in inserts:
            await put(store, rows)
        found = await store.dicts("SELECT * FROM ledger ORDER BY log_partition, judged_at")
        epochs = await store.rows("SELECT DISTINCT log_partition, judged_at, epoch FROM room_events ORDER BY ALL")
    assert [(row["log_partition"], row["judged_at"], row["epoch"]) for row in found] == epochs
    expected: list[dict[str, Any]] = []
    for partition in (0, 1):
        for rows in inserts:
            mine = [row for row in rows if row["log_partition"] == partition]
            expected.append(
                {
                    "first_offset": min(row["log_offset"] for row in mine),
                    "last_offset": max(row["log_offset"] for row in mine),
                    "inputs": len({(row["log_offset"], row["log_index"]) for row in mine}),
                    "facts": len(mine),
                    "dead_letters": sum(row["fact"] == "dead_letter" for row in mine),
                }
            )
    assert [{name: row[name] for name in expected[0]} for row in found] == expected


async def test_dead_letters_keep_their_bytes(store_database: str) -> None:
    line = bytes(range(256))
    extra = {"base64": base64.b64encode(line).decode(), "bytes": len(line), "detail": "no JSON"}
    story = Story(3, inputs_per_frame=2)
    story.open("s", NOON_MS)
    story.dead_letter(NOON_MS + 5, "not_an_input", json.dumps(extra))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        row = (await store.dicts("SELECT *, hex(bytes) AS digits FROM dead_letters"))[0]
    assert bytes.fromhex(row["digits"]) == line
    assert (row["log_partition"], row["log_offset"], row["log_index"]) == (3, 0, 1)
    assert (row["reason"], row["detail"], row["length_bytes"]) == ("not_an_input", "no JSON", 256)
    assert round(row["at"].timestamp() * 1000) == NOON_MS + 5


PROJECTED = {
    "SELECT * FROM accounting": "by_place",
    "SELECT log_partition, max((log_offset, log_index, fact_index)) FROM room_events WHERE log_partition IN (0, 1) "
    "GROUP BY log_partition": "by_place",
    "SELECT * FROM ledger": "by_insert",
    "SELECT * FROM sessions": "by_session",
    "SELECT * FROM rooms": "by_room",
    "SELECT * FROM rooms WHERE (room_kind, room_id) IN (('call', 'room'), ('stream', 'other'))": "by_room",
    "SELECT toStartOfMinute(at), room_kind, kind, fact, verdict, reason, state, count() FROM room_events "
    "GROUP BY toStartOfMinute(at), room_kind, kind, fact, verdict, reason, state": "by_minute",
}


@pytest.mark.parametrize(("sql", "projection"), PROJECTED.items())
async def test_a_view_is_answered_from_its_projection(store_database: str, sql: str, projection: str) -> None:
    """Without being named: each projection holds the aggregates exactly as the view spells them."""
    async with await Store.connect(store_database) as store:
        story = Story()
        for number in range(30):
            stay = story.open(f"s{number % 3}", NOON_MS + number * 10, 4_000_000_000_000)
            for step in range(20):
                stay.status(NOON_MS + number * 10 + step, "waiting", 1, 0, 0)
        await put(store, story.rows)
        await store.command("OPTIMIZE TABLE room_events FINAL")
        plan = [line for (line,) in await store.rows(f"EXPLAIN projections = 1 {sql}")]
    assert any(f"ReadFromMergeTree ({projection})" in line for line in plan), "\n".join(plan)


async def test_a_session_is_found_by_its_id_alone(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        story = Story()
        for number in range(25_000):
            story.open(f"s{number}", NOON_MS, room_id=f"room{number % 100}")
        await put(store, story.rows)
        sql = "EXPLAIN indexes = 1 SELECT * FROM room_events WHERE session_id = 's77'"
        plan = "\n".join(line for (line,) in await store.rows(sql))
    read, held = re.findall(r"Granules: (\d+)/(\d+)", plan[plan.index("Name: session") :])[0]
    assert int(read) < int(held)
