"""Questions about who is there: now, and at points of time."""

from storage.clock import now_ms
from storage.store import Store
from tests.storage.asked_panels import MINUTE_MS, ask, minutes_ago
from tests.storage.rows_builder import Story, a_row, put

HOUR_MS = 3_600_000


def live_rooms(now: int) -> Story:
    """Return two calls, an account and a stream in which somebody is, and some in which nobody is any more."""
    story = Story()
    talking = story.open("talking", now - 9_000, now + HOUR_MS, user_agent="Firefox")
    talking.status(now - 8_000, "sendrecv", 2, 1, 1)
    stuck = story.open("stuck", now - 9_000, now + HOUR_MS)
    stuck.status(now - 7_000, "starting", 2, 0, 0)
    stuck.status(now - 6_000, "starting", 3, 0, 0, verdict="steady")
    stuck.status(now - 5_000, "sending", 9, 9, 9, verdict="violation", moved=False)
    story.open_implicitly("waiting", now - 4_000, now + HOUR_MS, room_id="other")
    story.open("lapsed", now - HOUR_MS, now - 1, room_id="empty")
    story.open("gone", now - HOUR_MS, now + HOUR_MS, room_id="empty").close(now - 1)
    story.open("tv", now - 9_000, now + HOUR_MS, room_kind="account", room_id="acc", device_type="tv", service="vod")
    for fact, at_ms in (("stream_published", now - 9_000), ("stream_unpublished", now - 8_000)):
        for room in ("live/on", "live/off")[fact == "stream_unpublished" :]:
            extra = f'{{"node":"origin","region":"eu","started_at_ms":{now - 9_000},"lease_ends_at_ms":0}}'
            story.add(a_row(kind="publish", fact=fact, room_kind="stream", room_id=room, at=at_ms, extra=extra))
    story.open("viewer", now - 9_000, 0, room_kind="stream", room_id="live/on", bytes_recv=7)
    return story


async def test_who_is_there_now(store_database: str) -> None:
    now = now_ms()
    async with await Store.connect(store_database) as store:
        await put(store, live_rooms(now).rows)
        assert await ask(store, "rooms_live") == [(4, 2, 1, 1)]
        assert await ask(store, "sessions_live") == [(5, 3, 1, 1)]
        assert await ask(store, "sessions_live", room="room") == [(2, 2, 0, 0)]
        states = {"init": 2, "waiting": 1, "starting": 1, "sendrecv": 1}
        rows = await ask(store, "states_now")
        assert {state: sessions for state, sessions in rows if sessions} == states
        assert len(rows) == 8
        assert dict(await ask(store, "states_now", room_kind="call"))["init"] == 0
        assert sum(sessions for _, sessions in await ask(store, "states_now", user_agent="Firefox")) == 1
        table = await ask(store, "rooms_table")
        assert [row[1:3] for row in table] == [("room", 2), ("other", 1), ("acc", 1), ("live/on", 1)]
        assert table[0][3:11] == (0, 0, 1, 0, 0, 1, 0, 0)
        there = await ask(store, "room_sessions", room="room")
        assert [row[2] for row in there] == ["stuck", "talking"]
        assert there[0][4:9] == ("starting", now - 7_000, 3, 0, 0)
        ((_, _, session, state, since, stuck_ms, *_),) = await ask(store, "stuck_sessions")
        assert (session, state, since) == ("stuck", "starting", now - 7_000)
        assert 7_000 <= stuck_ms < 7_000 + MINUTE_MS
        assert await ask(store, "playback_live") == [("tv", "vod", 1, 1)]
        assert await ask(store, "streams_live") == [("live/on", "origin", "eu", now - 9_000, None, 1)]
        assert await ask(store, "subscribers") == [("live/on", 1, now - 9_000, 7)]


def an_hour_ago(began: int) -> Story:
    """Return stays around a few points of time, 60 s apart, 5 s apart and between them."""
    story = Story()
    talk = story.open("talk", began - HOUR_MS, 1)
    talk.status(began, "waiting", 1, 0, 0)
    talk.status(began + 60_000, "sendrecv", 2, 1, 1)
    talk.close(began + 120_000)
    again = story.open("talk", began + 120_000, 1)
    again.status(began + 121_000, "sending", 1, 1, 0)
    again.status(began + 122_000, "waiting", 1, 0, 0)
    again.close(began + 125_000, "replaced")
    between = story.open("between", began + 6_000, 1)
    between.close(began + 9_999)
    story.open("at a point", began + 5_000, 1).close(began + 5_001)
    story.open("player", began + 1, began + 61_000, room_kind="account").close(began + 61_000, "expired")
    # Nobody has written its end: it ended with its lease.
    story.open("lapsed", began + 90_000, began + 180_000, room_id="other")
    story.open("viewer", began + 170_000, 0, room_kind="stream")
    return story


async def test_states_at_points_of_time(store_database: str) -> None:
    began = minutes_ago(60)
    async with await Store.connect(store_database) as store:
        await put(store, an_hour_ago(began).rows)
        rows = await ask(store, "states_over_time", began, began + 4 * MINUTE_MS)
        assert [(row[0] - began, row[1:]) for row in rows] == [
            (0, (0, 1, 0, 0, 0, 0, 0, 0)),
            (MINUTE_MS, (1, 0, 0, 0, 0, 1, 0, 0)),
            (2 * MINUTE_MS, (2, 0, 0, 0, 0, 0, 0, 0)),
            (3 * MINUTE_MS, (1, 0, 0, 0, 0, 0, 0, 0)),
        ]
        calls = await ask(store, "states_over_time", began, began + 4 * MINUTE_MS, room_kind="call")
        assert [row[1] for row in calls] == [0, 0, 2, 0]
        one_second = await ask(store, "states_over_time", began + 120_500, began + 123_000, step_s=1)
        assert [(row[0] - began, row[4], row[2]) for row in one_second] == [(121_000, 1, 0), (122_000, 0, 1)]
        assert await ask(store, "states_over_time", now_ms() + HOUR_MS) == []


async def test_the_most_at_once(store_database: str) -> None:
    began = minutes_ago(60)
    async with await Store.connect(store_database) as store:
        await put(store, an_hour_ago(began).rows)
        rows = await ask(store, "concurrency", began, began + 4 * MINUTE_MS)
        assert [(row[0] - began, *row[1:]) for row in rows] == [
            (0, 3, 2, 1, 0),
            (MINUTE_MS, 2, 2, 1, 0),
            (2 * MINUTE_MS, 2, 2, 0, 1),
            (3 * MINUTE_MS, 1, 0, 0, 1),
        ]
        whole = await ask(store, "concurrency", began + 1, began + 4 * MINUTE_MS, step_s=3600)
        assert max(row[1] for row in whole) == 3
        assert [row[1] for row in await ask(store, "concurrency", began, began + 4 * MINUTE_MS, room="other")] == [
            0,
            1,
            1,
            0,
        ]
        # Every second: the stay of one millisecond is seen at its point, the one between 6 s and 9.999 s at all of its.
        seconds = await ask(store, "concurrency", began + 4_000, began + 11_000, step_s=1, room_kind="call")
        assert [row[1] for row in seconds] == [1, 2, 2, 2, 2, 2, 1]
        ((last, sessions, *_),) = (await ask(store, "concurrency", began, now_ms() + HOUR_MS, step_s=60))[-1:]
        assert now_ms() - 2 * MINUTE_MS < last <= now_ms()
        assert sessions == 1
