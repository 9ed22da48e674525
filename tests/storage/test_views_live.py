"""`live_sessions`: who has not closed and whose lease is not over."""

import pytest

from storage.clock import now_ms
from storage.store import Store
from tests.storage.rows_builder import Story, put

HOUR_MS = 3_600_000


async def live(store: Store) -> list[str]:
    return [session for (session,) in await store.rows("SELECT session_id FROM live_sessions ORDER BY session_id")]


async def test_live_is_what_has_not_closed_and_has_a_lease(store_database: str) -> None:
    now = now_ms()
    story = Story()
    story.open("with lease", now - HOUR_MS, now + HOUR_MS)
    story.open("without end", now - HOUR_MS, 0, room_kind="stream")
    story.open("lease over", now - HOUR_MS, now - 1000)
    story.open("closed", now - HOUR_MS, now + HOUR_MS).close(now - 1000)
    story.open("closed without end", now - HOUR_MS, 0, room_kind="stream").close(now - 1000)
    story.open("refreshed", now - 2 * HOUR_MS, now - HOUR_MS).refresh(now - HOUR_MS, now + HOUR_MS)
    story.open("refreshed and over", now - 2 * HOUR_MS, now - HOUR_MS).refresh(now - HOUR_MS, now - 1000)
    story.open_implicitly("implicit", now - 1000, now + HOUR_MS)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await live(store) == ["implicit", "refreshed", "with lease", "without end"]
        ends = await store.rows("SELECT session_id FROM live_sessions WHERE lease_ends_at IS NULL")
        assert ends == [("without end",)]


async def test_a_session_that_came_back_is_live_once(store_database: str) -> None:
    now = now_ms()
    story = Story()
    story.open("s", now - HOUR_MS, now + HOUR_MS).close(now - 2000)
    again = story.open("s", now - 1000, now + HOUR_MS)
    again.status(now - 500, "waiting", 1, 0, 0)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await store.rows("SELECT session_id, state, connections FROM live_sessions") == [("s", "waiting", 1)]


async def test_a_live_row_says_what_is_known_now(store_database: str) -> None:
    now = now_ms()
    story = Story()
    values = {"user_id": "u", "device_type": "desktop", "app": "Loop", "service": "svc", "user_agent": "old"}
    stay = story.open("s", now - 9000, now + HOUR_MS, client_ip="192.0.2.1", **values)
    stay.values.clear()
    stay.values["room_id"] = "room"
    stay.status(now - 8000, "sending", 2, 1, 0, user_agent="new", bytes_sent=10, bytes_recv=4)
    stay.status(now - 7000, "sendrecv", 9, 9, 9, verdict="violation", moved=False)
    stay.refresh(now - 6000, now + 2 * HOUR_MS)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        row = (await store.dicts("SELECT * FROM live_sessions"))[0]
    assert {name: row[name] for name in values} == values | {"user_agent": "new"}
    assert (row["state"], row["connections"], row["send_streams"], row["recv_streams"]) == ("sending", 2, 1, 0)
    assert (row["client_ip"], row["bytes_sent"], row["bytes_recv"]) == ("192.0.2.1", 10, 4)
    assert round(row["last_seen_at"].timestamp() * 1000) == now - 6000
    assert round(row["lease_ends_at"].timestamp() * 1000) == now + 2 * HOUR_MS


@pytest.mark.parametrize("days", [1, 400])
async def test_a_stay_without_end_is_live_however_long_ago_it_began(store_database: str, days: int) -> None:
    began = now_ms() - days * 24 * HOUR_MS
    story = Story(judged_at_ms=began)
    story.open("publisher", began, 0, room_kind="stream")
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await live(store) == ["publisher"]


async def test_days_whose_leases_are_over_are_not_read(store_database: str) -> None:
    now = now_ms()
    async with await Store.connect(store_database) as store:
        for days in range(1, 4):
            began = now - days * 24 * HOUR_MS
            story = Story(judged_at_ms=began)
            story.open(f"over for {days} days", began, began + HOUR_MS)
            await put(store, story.rows)
        story = Story(judged_at_ms=now)
        story.open("live", now, now + HOUR_MS)
        await put(store, story.rows)
        plan = "\n".join(line for (line,) in await store.rows(f"EXPLAIN indexes = 1 {CANDIDATES}"))
        assert await live(store) == ["live"]
    used = plan[plan.index("Name: lease_horizon") :]
    assert "Parts: 1/4" in used


CANDIDATES = """
SELECT room_kind, room_id, session_id, opened_at FROM room_events
WHERE if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
    toUnixTimestamp64Milli(lease_ends_at)) > toUnixTimestamp64Milli(now64(3))
"""
"""As it stands in the view."""
