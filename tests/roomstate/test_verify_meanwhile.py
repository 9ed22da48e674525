"""`roomstate verify` while a pipeline works, and on what somebody took away on purpose."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roomstate.verification.verify import verify
from state_machine.inputs import Input
from storage.clock import now_ms
from storage.migrate import migrate
from storage.ownership import LogGap, accept_gap
from storage.store import Store
from tests.roomstate.judged_log import JudgedLog
from tests.roomstate.verified import INPUTS, found, found_with, verified
from tests.storage.rows_builder import NOON_MS, put


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


@pytest.mark.parametrize(("age_days", "sort"), [(0, "missing"), (4000, "expired")])
async def test_what_retention_forgot_is_no_difference(
    filled: JudgedLog, store_database: str, monkeypatch: pytest.MonkeyPatch, age_days: int, sort: str
) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, filled.without(*filled.at(0, 0), *filled.at(0, 1)))
    await migrate(store_database, retention_days=3650)  # long enough that the engine itself takes nothing
    later_ms = now_ms() + age_days * 86_400_000
    monkeypatch.setattr("roomstate.verification.verify.now_ms", lambda: later_ms)
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
    room = filled.a_call(0)
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
