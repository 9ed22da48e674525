"""`roomstate verify` finds everything that differs, and only that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roomstate.verify import verify
from roomstate.verify_result import Finding, PartitionResult
from storage.clock import now_ms
from storage.migrate import migrate
from storage.sqlite_log import SqliteLog
from storage.store import Store
from tests.storage.filled_log import PARTITIONS, append_frame, fill, new_log, only, without
from tests.storage.rows_builder import a_row, put

INPUTS = 45


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = new_log(tmp_path)
    yield opened
    opened.close()


async def verified(log: SqliteLog, url: str) -> list[str]:
    """The findings, without the sum; also holds exit code and equality to them."""
    async with await Store.connect(url) as store:
        result = await verify(log, store)
    lines = result.lines()
    serious = [line for line in lines[:-1] if "expired" not in line]
    assert result.exit_code == int(bool(serious))
    assert lines[-1].startswith("equal" if result.is_equal else "NOT EQUAL")
    return lines[:-1]


async def delete(store: Store, condition: str) -> None:
    await store.command(f"ALTER TABLE room_events DELETE WHERE {condition} SETTINGS mutations_sync = 1")


async def test_an_empty_log_equals_an_empty_store(log: SqliteLog, store_database: str) -> None:
    assert await verified(log, store_database) == []


async def test_a_log_that_is_stored_whole_is_equal(log: SqliteLog, store_database: str) -> None:
    rows = fill(log) + append_frame(log, 1, 2, broken=3)
    seen: list[tuple[int, int, int]] = []
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        result = await verify(log, store, lambda *progress: seen.append(progress))
    assert result.is_equal
    assert result.exit_code == 0
    assert result.inputs == INPUTS + 5
    assert result.lines() == ["equal: 50 of 50 inputs in 16 frames are in the store exactly once"]
    assert [(partition, due) for partition, done, due in seen if done == due] == [(0, 5), (1, 6), (2, 5)]


async def test_a_deleted_row_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await delete(store, "log_partition = 1 AND log_offset = 2 AND log_index = 3 AND fact_index = 0")
        assert await verified(log, store_database) == ["partition 1: missing offset 2 (1 input)"]


async def test_a_missing_consequence_alone_is_no_difference(log: SqliteLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, fill(log))
        await delete(store, "fact_index > 0")
    assert await verified(log, store_database) == []


async def test_a_doubled_row_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await put(store, only(rows, 2, 3, index=1))
    assert await verified(log, store_database) == ["partition 2: doubled offset 3 (1 input)"]


async def test_a_block_that_was_inserted_twice_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await put(store, only(rows, 0, 1) + only(rows, 0, 2))
    assert await verified(log, store_database) == ["partition 0: doubled offsets 1 to 2 (6 inputs)"]


async def test_frames_that_were_skipped_are_named_as_one_range(log: SqliteLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, without(fill(log), 1, 0, 2, 3))
    assert await verified(log, store_database) == [
        "partition 1: missing offset 0 (3 inputs)",
        "partition 1: missing offsets 2 to 3 (7 inputs)",
    ]


async def test_one_lost_and_one_doubled_do_not_cancel_out(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, [row for row in rows if row not in only(rows, 0, 2, index=1)])
        await put(store, only(rows, 0, 2, index=2))
    assert await verified(log, store_database) == [
        "partition 0: missing offset 2 (1 input)",
        "partition 0: doubled offset 2 (1 input)",
    ]


async def test_what_is_not_judged_yet_is_pending_and_not_equal(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, without(rows, 0, 3, 4))
    assert await verified(log, store_database) == ["partition 0: pending offsets 3 to 4 (6 inputs)"]


async def test_what_the_log_does_not_hold_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    foreign = a_row(kind="status", fact="status_judged", log_partition=0)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await put(store, [foreign | {"log_offset": 1, "log_index": 7}])
        await put(store, [foreign | {"log_offset": 9}])
        await put(store, [foreign | {"log_offset": 4, "log_partition": PARTITIONS + 4}])
    assert await verified(log, store_database) == [
        "partition 0: unexpected offset 1 (1 input)",
        "partition 0: unexpected offset 9 (1 input)",
        f"partition {PARTITIONS + 4}: unexpected offset 4 (1 input)",
    ]


async def test_a_wrong_count_of_a_frames_inputs_is_named(log: SqliteLog, store_database: str) -> None:
    rows = [
        row | {"frame_inputs": 2} if row in only(row_list, 0, 0) else row
        for row_list in [fill(log)]
        for row in row_list
    ]
    async with await Store.connect(store_database) as store:
        await put(store, rows)
    assert await verified(log, store_database) == ["partition 0: miscounted offset 0 (1 input)"]


async def test_what_is_appended_and_stored_meanwhile_does_not_disturb(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        arrived: list[int] = []

        def append_once(partition: int, done: int, due: int) -> None:
            if not arrived:
                arrived.extend(row["log_offset"] for row in append_frame(log, 2, 4))

        result = await verify(log, store, append_once)
    assert arrived
    assert result.is_equal
    assert result.inputs == INPUTS


@pytest.mark.parametrize(("age_days", "word"), [(0, "missing"), (9, "expired")])
async def test_what_retention_forgot_is_no_difference(
    log: SqliteLog, store_database: str, monkeypatch: pytest.MonkeyPatch, age_days: int, word: str
) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, without(rows, 0, 0, 1))
    await migrate(store_database, retention_days=7)
    later_ms = now_ms() + age_days * 86_400_000
    monkeypatch.setattr("roomstate.verify.now_ms", lambda: later_ms)
    assert await verified(log, store_database) == [f"partition 0: {word} offsets 0 to 1 (4 inputs)"]


def test_many_scattered_findings_stay_bounded() -> None:
    finding = Finding()
    for offset in range(0, 10_000, 2):
        finding.add(offset, 1)
    assert finding.inputs == 5000
    assert len(finding.ranges) == 1000
    result = PartitionResult(0, missing=finding)
    assert not result.is_equal
