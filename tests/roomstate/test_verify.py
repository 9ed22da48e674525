"""`roomstate verify` finds everything that differs, and only that."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roomstate.verify import verify
from roomstate.verify_result import RANGES_MAX, Finding, Verification
from state_machine.inputs import Input
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.kafka_log import KafkaLog
from storage.migrate import migrate
from storage.ownership import LogGap, accept_gap, claim
from storage.sqlite_log import SqliteLog
from storage.store import Store
from tests.roomstate.judged_log import PARTITIONS, JudgedLog
from tests.storage.rows_builder import LOG_ID, NOON_MS, Row, a_row, put

INPUTS = 45

Found = list[tuple[str, int, str, str, int]]
"""Sort, partition, offsets, indexes, inputs."""


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[JudgedLog]:
    filled = JudgedLog.in_folder(tmp_path).fill()
    yield filled
    filled.log.close()


async def verified(filled: JudgedLog, url: str, **options: Any) -> Verification:
    async with await Store.connect(url) as store:
        return await verify(filled.log, store, **options)


def found(result: Verification) -> Found:
    """What was found, as the table shows it; also holds the sums to it."""
    assert result.exit_code == int(not result.is_equal)
    ranges = [
        (sort, partition, each.offsets, each.index_range, each.inputs)
        for sort, partition, finding in result.each()
        for each in finding.ranges
    ]
    assert sum(result.totals.values()) == sum(inputs for *_, inputs in ranges)
    return ranges


async def found_with(rows: list[Row], filled: JudgedLog, url: str) -> Found:
    """What is found if the store has these rows."""
    async with await Store.connect(url) as store:
        await put(store, rows)
    return found(await verified(filled, url))


async def test_an_empty_log_equals_an_empty_store(tmp_path: Path, store_database: str) -> None:
    empty = JudgedLog.in_folder(tmp_path)
    result = await verified(empty, store_database)
    empty.log.close()
    assert (found(result), result.inputs, result.is_equal) == ([], 0, True)


async def test_a_log_that_is_stored_whole_is_equal(filled: JudgedLog, store_database: str) -> None:
    broken = [b"{broken", b"", b"\xff\xfe", b'{"kind":"status","seq":-1}', b'{"kind":"strange","received_at_ms":1}']
    for number in range(PARTITIONS):
        foreign = [filled.some_input((number + 1) % PARTITIONS) for _ in range(3)]
        filled.append(number, [*broken, filled.some_input(number), *foreign])
        filled.append(number, [filled.some_input(number)])
    filled.append(0, [b""])
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
    seen: list[tuple[str, int, int]] = []
    result = await verified(filled, store_database, progress=lambda *step: seen.append(step))
    assert found(result) == []
    frames = [partition.frames for partition in result.partitions]
    assert (result.inputs, result.equal, frames) == (INPUTS + 3 * 10 + 1, INPUTS + 3 * 10 + 1, [8, 7, 7])
    assert {step for step, done, due in seen if done == due} >= {"the store's days", "log, partition 1"}


@pytest.mark.parametrize("seed", range(3))
async def test_inputs_of_every_sort_are_equal(tmp_path: Path, store_database: str, seed: int) -> None:
    filled = JudgedLog(SqliteLog(tmp_path / "log.db", PARTITIONS), seed).fill((200, 1, 77, 300, 150))
    assert len({(row["kind"], row["fact"]) for row in filled.rows}) > 15
    assert any(row["fact_index"] > 0 for row in filled.rows)
    assert await found_with(filled.rows, filled, store_database) == []
    filled.log.close()


async def test_a_missing_row_is_named(filled: JudgedLog, store_database: str) -> None:
    rows = filled.without(*filled.at(1, 2, 3))
    assert await found_with(rows, filled, store_database) == [("missing", 1, "2", "3", 1)]


async def test_frames_that_were_skipped_are_named_as_one_range(filled: JudgedLog, store_database: str) -> None:
    rows = filled.without(*filled.at(1, 0), *filled.at(1, 2), *filled.at(1, 3))
    assert await found_with(rows, filled, store_database) == [
        ("missing", 1, "0", "all", 3),
        ("missing", 1, "2-3", "all", 7),
    ]


async def test_a_doubled_row_is_named(filled: JudgedLog, store_database: str) -> None:
    rows = filled.rows + filled.at(2, 2, 1, 0)
    assert await found_with(rows, filled, store_database) == [("doubled", 2, "2", "1", 1)]


async def test_a_block_that_was_inserted_twice_is_named(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        await put(store, filled.at(0, 1) + filled.at(0, 2))
    assert found(await verified(filled, store_database)) == [("doubled", 0, "1-2", "all", 6)]


async def test_one_lost_and_one_doubled_do_not_cancel_out(filled: JudgedLog, store_database: str) -> None:
    rows = filled.without(*filled.at(0, 2, 1)) + filled.at(0, 2, 2, 0)
    assert await found_with(rows, filled, store_database) == [
        ("missing", 0, "2", "1", 1),
        ("doubled", 0, "2", "2", 1),
    ]


async def test_two_rows_that_changed_places_are_named(tmp_path: Path, store_database: str) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.some_input(0).room
    items = [Input(received_at_ms=NOON_MS, room=room, session="s", state=state) for state in ("waiting", "sending")]
    filled.append(0, items)
    filled.append(0, items)
    first, second = (filled.at(0, 0, index, 0)[0] for index in (0, 1))
    first["log_index"], second["log_index"] = second["log_index"], first["log_index"]
    assert await found_with(filled.rows, filled, store_database) == [("changed", 0, "0", "all", 2)]
    filled.log.close()


CHANGES = {
    "kind": "expire",
    "room_kind": "account",
    "room_id": "elsewhere",
    "session_id": "other",
    "input_id": "other",
    "client_seq": 7,
    "occurred_at": NOON_MS - 1,
    "received_at": NOON_MS - 1,
    "event": "other",
    "device_type": "tv",
    "service": "other",
    "app": "other",
    "bytes_sent": 1 << 40,
    "bytes_recv": 1 << 40,
    "client_ip": "192.0.2.7",
    "user_agent": "other",
    "extra": '{"input":{"a":2}}',
    "state": "other",
    "connections": 77,
    "send_streams": 77,
    "recv_streams": 77,
}


@pytest.mark.parametrize("column", CHANGES)
async def test_a_changed_value_is_named(tmp_path: Path, store_database: str, column: str) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.some_input(0).room
    status = Input(received_at_ms=NOON_MS, room=room, session="s", client_ip="::1", extra={"a": 1})
    filled.append(0, [status, status, status])
    filled.append(0, [status])
    row = filled.at(0, 0, 1, 0)[0]
    async with await Store.connect(store_database) as store:
        await put(store, filled.with_changes(row, **{column: CHANGES[column]}))
    result = await verified(filled, store_database)
    filled.log.close()
    assert found(result) == [("changed", 0, "0", "1", 1)]
    note = result.partitions[0].findings["changed"].ranges[0].note
    named = "state, counters" if column in {"state", "connections", "send_streams", "recv_streams"} else column
    assert named in note
    assert (note == named) == (column != "kind")


async def test_members_that_a_commands_row_lost_are_named(tmp_path: Path, store_database: str) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.some_input(0).room
    creation = Input("room_create", NOON_MS, room=room, extra={"roomName": "Tea", "context": "c" * 9000})
    filled.append(0, [creation, Input("register", NOON_MS, room=room, user="u", extra={"sealed_key": "k"})])
    filled.append(0, [creation])
    assert await found_with(filled.rows, filled, store_database) == []
    async with await Store.connect(store_database) as store:
        update = (
            "ALTER TABLE room_events UPDATE extra = replaceOne(extra, {old:String}, {new:String}) WHERE log_offset = 0"
        )
        for old, new in (("Tea", "Ten"), ('"sealed_key":"k"', '"sealed_key":"l"')):
            await store.command(f"{update} SETTINGS mutations_sync = 1", {"old": old, "new": new})
    assert found(await verified(filled, store_database)) == [("changed", 0, "0", "all", 2)]
    filled.log.close()


async def test_what_no_input_explains_is_named(filled: JudgedLog, store_database: str) -> None:
    foreign = a_row(kind="status", fact="status_judged")
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        await put(store, [foreign | {"log_offset": 1, "log_index": 7}])
        await put(store, [foreign | {"log_offset": 9}])
        await put(store, [foreign | {"log_partition": 2, "log_offset": 3, "log_index": 1 << 20, "fact_index": 4}])
        await put(store, [foreign | {"log_offset": 4, "log_partition": PARTITIONS + 4}])
    assert found(await verified(filled, store_database)) == [
        ("unexpected", 0, "1", "7", 1),
        ("unexpected", 0, "9", "all", 1),
        ("unexpected", 2, "3", str(1 << 20), 1),
        ("unexpected", PARTITIONS + 4, "4", "all", 1),
    ]


def with_consequences(filled: JudgedLog) -> list[Row]:
    """The three consequences of a kill: four sessions close with it."""
    room = filled.some_input(1).room
    joins = [Input("open", NOON_MS, room=room, session=f"s{number}") for number in range(4)]
    offset = filled.append(1, [*joins, Input("kill", NOON_MS, room=room)])
    filled.append(1, joins)
    consequences = [row for row in filled.at(1, offset, 4) if row["fact_index"] > 0]
    assert len(consequences) == 3
    return consequences


@pytest.mark.parametrize(
    ("what", "sort"),
    [("missing", "uneven"), ("doubled", "doubled"), ("renumbered", "uneven"), ("of another input", "changed")],
)
async def test_consequences_that_are_not_right_are_named(
    tmp_path: Path, store_database: str, what: str, sort: str
) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    _, second, third = with_consequences(filled)
    rows = {
        "missing": filled.without(second),
        "doubled": [*filled.rows, second],
        "renumbered": filled.with_changes(third, fact_index=9),
        "of another input": filled.with_changes(second, received_at=NOON_MS + 1),
    }[what]
    assert await found_with(rows, filled, store_database) == [(sort, 1, "0", "4", 1)]
    filled.log.close()


async def test_a_wrong_count_of_a_frames_inputs_is_named(filled: JudgedLog, store_database: str) -> None:
    rows = [row | {"frame_inputs": 2} if row in filled.at(0, 0) else row for row in filled.rows]
    assert await found_with(rows, filled, store_database) == [("miscounted", 0, "0", "all", 3)]


async def test_what_is_not_judged_yet_is_pending_and_not_equal(filled: JudgedLog, store_database: str) -> None:
    rows = filled.without(*filled.at(0, 3), *filled.at(0, 4))
    assert await found_with(rows, filled, store_database) == [("pending", 0, "3-4", "all", 6)]


async def test_of_a_frame_that_is_stored_in_part_the_rest_is_pending(filled: JudgedLog, store_database: str) -> None:
    rows = filled.without(*filled.at(0, 4, 2), *filled.at(0, 4, 3), *filled.at(0, 4, 0))
    assert await found_with(rows, filled, store_database) == [
        ("missing", 0, "4", "0", 1),
        ("pending", 0, "4", "2-3", 2),
    ]


async def test_a_processor_at_work_is_waited_for(
    filled: JudgedLog, store_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filled.log, "consumers", lambda: 1)
    left = [*filled.at(0, 3), *filled.at(0, 4), *filled.at(2, 4)]
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*left))
        verifying = asyncio.create_task(verify(filled.log, store))
        for offset in (3, 4):
            await asyncio.sleep(0.3)
            await put(store, [row for row in left if row["log_offset"] == offset])
        assert found(await verifying) == []


async def test_a_processor_that_gets_nowhere_is_not_waited_for_for_ever(
    filled: JudgedLog, store_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filled.log, "consumers", lambda: 1)
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*filled.at(0, 4)))
    assert found(await verified(filled, store_database, settle_s=0.3)) == [("pending", 0, "4", "all", 4)]


async def test_what_is_appended_and_stored_meanwhile_does_not_disturb(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        arrived: list[asyncio.Task[None]] = []

        def append_once(*_: object) -> None:
            if not arrived:
                rows = filled.at(2, filled.append(2, [filled.some_input(2)]))
                arrived.append(asyncio.ensure_future(put(store, rows)))

        result = await verify(filled.log, store, append_once)
        await arrived[0]
    assert found(result) == []
    assert result.inputs == INPUTS


@pytest.mark.parametrize(("age_days", "sort"), [(0, "missing"), (9, "expired")])
async def test_what_retention_forgot_is_no_difference(
    filled: JudgedLog, store_database: str, monkeypatch: pytest.MonkeyPatch, age_days: int, sort: str
) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*filled.at(0, 0), *filled.at(0, 1)))
    await migrate(store_database, retention_days=7)
    later_ms = now_ms() + age_days * 86_400_000
    monkeypatch.setattr("roomstate.verify.now_ms", lambda: later_ms)
    result = await verified(filled, store_database)
    assert found(result) == [(sort, 0, "0-1", "all", 4)]
    assert result.is_equal == (sort == "expired")


async def test_what_was_declared_lost_is_no_difference(filled: JudgedLog, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*filled.at(0, 0), *filled.at(0, 1)))
        await accept_gap(store, LogGap(0, 0, 1), NOON_MS)
    result = await verified(filled, store_database)
    assert found(result) == [("given up", 0, "0-1", "all", 4)]
    assert result.is_equal


async def test_erasing_a_person_is_no_difference_and_a_forged_row_of_the_person_is(
    tmp_path: Path, store_database: str
) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.some_input(0).room
    hers: dict[str, Any] = {"room": room, "session": "s", "user": "her", "client_ip": "::1", "user_agent": "Hers"}
    filled.append(
        0, [Input("open", NOON_MS, **hers, extra={"displayName": "She"}), Input(received_at_ms=NOON_MS, **hers)]
    )
    filled.append(0, [Input("room_create", NOON_MS, room=room, user="her", extra={"roomName": "Tea"})])
    filled.append(0, [Input(received_at_ms=NOON_MS, **hers)])
    async with await Store.connect(store_database) as store:
        await put(store, filled.rows)
        await store.command(
            "ALTER TABLE room_events UPDATE user_id = '', client_ip = '', user_agent = '', extra = '' "
            "WHERE user_id = 'her' SETTINGS mutations_sync = 2"
        )
        result = await verified(filled, store_database)
        assert found(result) == [("erased", 0, "0-2", "all", 4)]
        assert result.is_equal
        await store.command(
            "ALTER TABLE room_events UPDATE connections = 9 WHERE kind = 'status' SETTINGS mutations_sync = 2"
        )
        assert ("changed", 0, "0", "1", 1) in found(await verified(filled, store_database))
    filled.log.close()


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


async def test_differences_are_found_wherever_pages_and_windows_end(
    tmp_path: Path, store_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roomstate.verify_looks.PAGE_ROWS", 2)
    monkeypatch.setattr("roomstate.verify_rows.WINDOW_ROWS", 3)
    monkeypatch.setattr("roomstate.verify_sums.BUCKETS", 3)
    monkeypatch.setattr("roomstate.verify_compare.CHUNK_BYTES", 300)
    filled = JudgedLog.in_folder(tmp_path)
    consequences = with_consequences(filled)
    filled.fill((3, 1, 5, 2, 4, 1, 1, 9))
    async with await Store.connect(store_database) as store:
        await put(
            store, [row for row in filled.without(*filled.at(2, 6), *filled.at(0, 0, 2)) if row is not consequences[2]]
        )
        await put(store, [*consequences[:1] * 3, *filled.at(0, 2, 4, 0) * 2])
    assert found(await verified(filled, store_database)) == [
        ("missing", 0, "0", "2", 1),
        ("missing", 2, "6", "all", 1),
        ("doubled", 0, "2", "4", 1),
        ("doubled", 1, "0", "4", 1),
    ]
    filled.log.close()


async def test_on_kafka_too(kafka_url: str, store_database: str) -> None:
    filled = JudgedLog(KafkaLog(kafka_url, PARTITIONS)).fill((3, 300, 5))
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*filled.at(1, 1, 3)))
        assert found(await verify(filled.log, store)) == [("missing", 1, "1", "3", 1)]
        await put(store, filled.at(1, 1, 3))
        assert found(await verify(filled.log, store)) == []
        assert filled.log.trim(INPUTS_TOPIC, {0: 2}, now_ms() + 1000) == 2
        result = await verify(filled.log, store)
    filled.log.close()
    assert (found(result), result.partitions[0].older) == ([], 303)


def test_many_scattered_findings_stay_bounded() -> None:
    finding = Finding()
    for offset in range(0, 10_000, 2):
        finding.add(offset, 1)
    assert (finding.inputs, len(finding.ranges), finding.unnamed) == (5000, RANGES_MAX, 5000 - RANGES_MAX)
