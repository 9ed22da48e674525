"""`rooms`, `violations` and `minute_stats`."""

from typing import Any

from storage.store import Store
from tests.storage.rows_builder import NOON_MS, Story, a_row, put

ROOMS = (
    "SELECT room_kind, room_id, toUnixTimestamp64Milli(created_at), toUnixTimestamp64Milli(first_activity_at), "
    "toUnixTimestamp64Milli(last_activity_at), sessions, peak_sessions, two_way_ms, toUnixTimestamp64Milli(deleted_at) "
    "FROM rooms ORDER BY room_kind, room_id"
)
DAY_MS = 86_400_000


def about_room(story: Story, fact: str, at_ms: int, room: str, **values: Any) -> None:
    story.add(a_row(kind="room_create", fact=fact, room_id=room, at=at_ms, received_at=at_ms, **values))


async def test_rooms_are_what_was_made_entered_or_published(store_database: str) -> None:
    story = Story()
    about_room(story, "room_created", NOON_MS, "a made room")
    about_room(story, "room_deleted", NOON_MS + 1, "a made room")
    about_room(story, "room_created", NOON_MS + 2, "a made room")
    about_room(story, "room_created", NOON_MS, "b gone")
    about_room(story, "room_updated", NOON_MS + 1, "b gone")
    story.open("s", NOON_MS + 2, 1, room_id="b gone").close(NOON_MS + 3, "room_deleted")
    about_room(story, "room_deleted", NOON_MS + 3, "b gone")
    about_room(story, "open_refused", NOON_MS + 4, "b gone", reason="room_deleted")
    about_room(story, "ignored", NOON_MS, "was never a room")
    about_room(story, "user_registered", NOON_MS, "a user")
    about_room(story, "stream_published", NOON_MS, "live/one", room_kind="stream")
    story.dead_letter(NOON_MS)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await store.rows(ROOMS) == [
            ("call", "a made room", NOON_MS + 2, NOON_MS, NOON_MS + 2, 0, 0, 0, None),
            ("call", "b gone", NOON_MS, NOON_MS, NOON_MS + 3, 1, 1, 0, NOON_MS + 3),
            ("stream", "live/one", None, NOON_MS, NOON_MS, 0, 0, 0, None),
        ]


async def test_the_peak_counts_nobody_at_the_moment_of_leaving(store_database: str) -> None:
    story, later = Story(), Story(first_offset=100, judged_at_ms=NOON_MS + DAY_MS)
    first = story.open("first", NOON_MS, 1)
    first.status(NOON_MS + 1_000, "sendrecv", 2, 1, 1)
    second = story.open("second", NOON_MS + 500, 1)
    first.close(NOON_MS + 5_000, "replaced")
    story.open("third", NOON_MS + 5_000, NOON_MS + 6_000)  # its lease ended, and nobody has written that
    story.open("no length", NOON_MS + 5_500, 1).close(NOON_MS + 5_500)
    later.open("fourth", NOON_MS + 6_000, 0)
    second.story = later
    second.close(NOON_MS + DAY_MS)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        await put(store, later.rows)
        ((_, _, created, began, ended, sessions, peak, two_way_ms, deleted),) = await store.rows(ROOMS)
    assert (created, began, ended, deleted) == (None, NOON_MS, NOON_MS + DAY_MS, None)
    assert (sessions, peak, two_way_ms) == (5, 2, 4_000)


async def test_violations_and_minutes(store_database: str) -> None:
    story = Story()
    stay = story.open("s", NOON_MS, NOON_MS * 2)
    stay.status(NOON_MS + 1, "waiting", 1, 0, 0)
    stay.status(
        NOON_MS + 60_001, "x", 5, 6, 7, verdict="violation", reason="unknown_state", moved=False, user_agent="u"
    )
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await store.rows(
            "SELECT toUnixTimestamp64Milli(at), room_id, session_id, event, prev_state, state, prev_connections, "
            "prev_send_streams, prev_recv_streams, connections, send_streams, recv_streams, reason, user_agent "
            "FROM violations"
        ) == [
            (NOON_MS + 60_001, "room", "s", stay_event, "waiting", "x", 1, 0, 0, 5, 6, 7, "unknown_state", "u")
            for stay_event in ("Session.connectionCreated",)
        ]
        minutes = await store.rows(
            "SELECT dateDiff('minute', min(minute) OVER (), minute), kind, fact, verdict, reason, state, facts "
            "FROM minute_stats ORDER BY ALL"
        )
    assert minutes == [
        (0, "open", "session_opened", "", "", "init", 1),
        (0, "status", "status_judged", "diagram", "", "waiting", 1),
        (1, "status", "status_judged", "violation", "unknown_state", "x", 1),
    ]
