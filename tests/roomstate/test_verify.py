"""`roomstate verify` finds everything that differs, and only that."""

from pathlib import Path

import pytest

from roomstate.verification.result import RANGES_MAX, Finding
from roomstate.verification.verify import verify
from state_machine.inputs import Input
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.kafka_log import KafkaLog
from storage.sqlite_log import SqliteLog
from storage.store import Store
from tests.roomstate.judged_log import PARTITIONS, JudgedLog, with_consequences
from tests.roomstate.verified import INPUTS, found, found_with, verified
from tests.storage.rows_builder import NOON_MS, Row, a_row, put


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
    room = filled.a_call(0)
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


def note_of(column: str) -> str:
    return "state, counters" if column in {"state", "connections", "send_streams", "recv_streams"} else column


@pytest.mark.parametrize("columns", [list(CHANGES)[1::2], list(CHANGES)[2::2]])
async def test_changed_values_are_named(tmp_path: Path, store_database: str, columns: list[str]) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.a_call(0)
    status = Input(received_at_ms=NOON_MS, room=room, session="s", client_ip="::1", extra={"a": 1})
    rows: list[Row] = []
    for column in columns:
        offset = filled.append(0, [status, status, status])
        row = filled.at(0, offset, 1, 0)[0]
        rows += [each | {column: CHANGES[column]} if each is row else each for each in filled.at(0, offset)]
    async with await Store.connect(store_database) as store:
        await put(store, rows)
    result = await verified(filled, store_database)
    filled.log.close()
    assert found(result) == [("changed", 0, str(offset), "1", 1) for offset in range(len(columns))]
    assert [each.note for each in result.partitions[0].findings["changed"].ranges] == list(map(note_of, columns))


async def test_a_changed_kind_is_named(tmp_path: Path, store_database: str) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    status = Input(received_at_ms=NOON_MS, room=filled.a_call(0), session="s")
    filled.append(0, [status, status])
    rows = filled.with_changes(filled.at(0, 0, 1, 0)[0], kind=CHANGES["kind"])
    assert await found_with(rows, filled, store_database) == [("changed", 0, "0", "1", 1)]
    filled.log.close()


async def test_members_that_a_commands_row_lost_are_named(tmp_path: Path, store_database: str) -> None:
    filled = JudgedLog.in_folder(tmp_path)
    room = filled.a_call(0)
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


async def test_differences_are_found_wherever_pages_and_windows_end(
    tmp_path: Path, store_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roomstate.verification.looks.PAGE_ROWS", 2)
    monkeypatch.setattr("roomstate.verification.rows.WINDOW_ROWS", 3)
    monkeypatch.setattr("roomstate.verification.sums.BUCKETS", 3)
    monkeypatch.setattr("roomstate.verification.compare.CHUNK_BYTES", 300)
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
