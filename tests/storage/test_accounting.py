"""The account of every partition, while all is well and when it is not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from storage.accounting import Accounting, PartitionAccount, as_ranges, count_inputs, read_accounting
from storage.event_log import INPUTS_TOPIC, Frame
from storage.ownership import LogGap, accept_gap, claim
from storage.sqlite_log import SqliteLog
from storage.store import Store
from tests.storage.filled_log import PARTITIONS, append_frame, fill, new_log, only, without
from tests.storage.rows_builder import LOG_ID, NOON_MS, put


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    opened = new_log(tmp_path)
    yield opened
    opened.close()


async def accounted(log: SqliteLog, url: str) -> Accounting:
    async with await Store.connect(url) as store:
        return await read_accounting(store, log)


def differing(accounting: Accounting) -> list[PartitionAccount]:
    return [account for account in accounting.partitions if not account.balanced]


async def test_an_empty_pipeline_is_balanced(log: SqliteLog, store_database: str) -> None:
    accounting = await accounted(log, store_database)
    assert accounting.balanced
    assert (accounting.accepted, accounting.pending) == (0, 0)
    assert [account.stored_offset for account in accounting.partitions] == [-1] * PARTITIONS


async def test_stored_dead_and_pending_add_up_to_what_was_accepted(log: SqliteLog, store_database: str) -> None:
    rows = fill(log) + append_frame(log, 1, 2, broken=3)
    append_frame(log, 1, 4)
    append_frame(log, 2, 6, broken=1)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
    accounting = await accounted(log, store_database)
    assert accounting.balanced
    assert (accounting.accepted, accounting.stored) == (45 + 5 + 4 + 7, 45 + 2)
    assert (accounting.dead_lettered, accounting.pending) == (3, 11)
    body: dict[str, Any] = msgspec.to_builtins(accounting)
    assert body["partitions"][1] == {
        "partition": 1,
        "accepted": 24,
        "stored": 17,
        "dead_lettered": 3,
        "pending": 4,
        "log_end_offset": 7,
        "stored_offset": 5,
        "missing": [],
        "doubled": [],
        "pending_is_exact": True,
    }


class StoredMeanwhile(Store):
    """A store into which a partition's first rows come right after the first question."""

    rows_to_come: ClassVar[list[dict[str, Any]]] = []

    async def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Answer, then store what is to come."""
        answer = await super().rows(sql, parameters)
        coming, self.rows_to_come[:] = list(self.rows_to_come), []
        if coming:
            await put(self, coming)
        return answer


async def test_first_rows_that_come_between_two_questions_are_not_lost_sight_of(
    log: SqliteLog, store_database: str
) -> None:
    StoredMeanwhile.rows_to_come[:] = append_frame(log, 1, 4)
    async with await StoredMeanwhile.connect(store_database) as store:
        accounting = await read_accounting(store, log)
    assert accounting.balanced
    assert accounting.accepted == 4


async def test_frames_that_the_store_skipped_are_named(log: SqliteLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, without(fill(log), 1, 0, 2, 3))
    (account,) = differing(await accounted(log, store_database))
    assert account.partition == 1
    assert account.missing == [(0, 0), (2, 3)]


async def test_an_input_that_is_missing_inside_its_frame_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, [row for row in rows if row not in only(rows, 0, 2, index=1)])
    (account,) = differing(await accounted(log, store_database))
    assert (account.partition, account.missing, account.doubled) == (0, [(2, 2)], [])
    assert account.accepted == account.stored + 1


async def test_what_was_stored_twice_is_named(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await put(store, only(rows, 2, 3) + only(rows, 2, 4))
    (account,) = differing(await accounted(log, store_database))
    assert (account.partition, account.missing, account.doubled) == (2, [], [(3, 4)])


@pytest.mark.parametrize("of_frames", [False, True])
async def test_one_lost_and_one_doubled_do_not_cancel_out(log: SqliteLog, store_database: str, of_frames: bool) -> None:
    rows = [row for _ in range(4) for row in append_frame(log, 0, 3)]
    lost, doubled = [
        [row for row in rows if row["log_offset"] == offset and (of_frames or row["log_index"] == 1)]
        for offset in (1, 2)
    ]
    async with await Store.connect(store_database) as store:
        await put(store, [row for row in rows if row not in lost])
        await put(store, doubled)
    (account,) = differing(await accounted(log, store_database))
    assert (account.accepted, account.stored) == (12, 12)
    assert (account.missing, account.doubled) == ([(1, 1)], [(2, 2)])


async def test_an_accepted_gap_is_not_missing(log: SqliteLog, store_database: str) -> None:
    rows = without(fill(log), 0, 0, 1)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        assert differing(await read_accounting(store, log))[0].missing == [(0, 1)]
        await accept_gap(store, LogGap(0, 0, 1), NOON_MS)
        assert (await read_accounting(store, log)).balanced


async def test_what_retention_took_is_neither_missing_nor_pending(log: SqliteLog, store_database: str) -> None:
    rows = fill(log)
    async with await Store.connect(store_database) as store:
        await put(store, rows)
        await claim(store, range(PARTITIONS), "me", LOG_ID, NOON_MS)
        await store.command("TRUNCATE TABLE room_events")
        append_frame(log, 0, 2)
        accounting = await read_accounting(store, log)
    assert accounting.balanced
    assert (accounting.accepted, accounting.stored, accounting.pending) == (2, 0, 2)
    assert [account.stored_offset for account in accounting.partitions] == [4] * PARTITIONS


async def test_a_frame_that_does_not_say_how_much_it_holds_is_counted_by_its_lines(
    log: SqliteLog, store_database: str
) -> None:
    log.append([Frame(INPUTS_TOPIC, 0, b"{}\n{}\n{}", 0), Frame(INPUTS_TOPIC, 0, b"", 0)], 5.0)
    accounting = await accounted(log, store_database)
    assert (accounting.pending, accounting.partitions[0].pending_is_exact) == (4, True)


def test_counting_the_tail_stops_at_a_bound(log: SqliteLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.accounting._TAIL_BYTES_MAX", 100)
    monkeypatch.setattr("storage.accounting._CHUNK_BYTES", 100)
    log.append([Frame(INPUTS_TOPIC, 0, b"\n".join([b"{}"] * 20), 20)] * 10, 5.0)
    counted, is_exact = count_inputs(log, 0, 0, 10)
    assert not is_exact
    assert 20 < counted < 200


def test_ranges_are_joined() -> None:
    assert as_ranges([(5, 6), (1, 2), (3, 3), (9, 9), (5, 5)]) == [(1, 3), (5, 6), (9, 9)]
