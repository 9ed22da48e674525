"""`sessions` and `state_intervals` against a second computation of the same stays."""

import itertools
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings

from storage.store import Store
from tests.storage.rows_builder import NOON_MS, Story, put
from tests.storage.stay_model import ACTIONS, Action, ModelStay, play

ROOMS = itertools.count()
INTERVALS = (
    "SELECT session_id, opened_at, state, entered_at, left_at, duration_ms, entered_by, next_state "
    "FROM state_intervals WHERE room_id = {room:String}"
)
SESSIONS = (
    "SELECT session_id, opened_at, closed_at, close_reason, first_send_at, first_recv_at, first_two_way_at, media_ms, "
    "two_way_ms, peak_connections, peak_send_streams, peak_recv_streams, statuses, violations, last_state "
    "FROM sessions WHERE room_id = {room:String} ORDER BY opened_at"
)


def in_ms(value: Any) -> Any:
    """Times as integer milliseconds, everything else as it is."""
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


async def read_intervals(store: Store, room: str) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    """Each stay's intervals; zero-length ones keep the order in which the view's neighbours say they were."""
    found: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
    for session, opened_at, *interval in await store.rows(INTERVALS, {"room": room}):
        found.setdefault((session, in_ms(opened_at)), []).append(tuple(in_ms(value) for value in interval))
    return found


def check_intervals(found: list[tuple[Any, ...]], stay: ModelStay) -> None:
    assert sorted(found, key=repr) == sorted(stay.intervals(), key=repr)
    ordered = stay.intervals()
    assert all(before[2] == after[1] and before[5] == after[0] for before, after in itertools.pairwise(ordered))
    durations = [duration for _, _, _, duration, _, _ in found if duration is not None]
    last_known = stay.closed_at if stay.closed_at is not None else stay.entries[-1][1]
    assert sum(durations) == last_known - stay.opened_at
    assert sum(left is None for _, _, left, _, _, _ in found) == (stay.closed_at is None)


@given(actions=ACTIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_stays_are_what_they_were_whatever_happened_in_the_room(
    store_database: str, actions: list[Action]
) -> None:
    room = f"room {next(ROOMS)}"
    story, model = play(actions, room)
    async with await Store.connect(store_database) as store:
        if story.rows:
            # In two inserts, so that stays are put together from several parts.
            half = len(story.rows) // 2
            for rows in (story.rows[:half], story.rows[half:]):
                await put(store, rows)
        found = await read_intervals(store, room)
        sessions = await store.dicts(SESSIONS, {"room": room})
    assert found.keys() == {(stay.session, stay.opened_at) for stay in model}
    for stay in model:
        check_intervals(found[stay.session, stay.opened_at], stay)
    assert [{name: in_ms(value) for name, value in row.items()} for row in sessions] == [
        stay.session_row() for stay in sorted(model, key=lambda stay: stay.opened_at)
    ]


async def test_one_stay_by_hand(store_database: str) -> None:
    story = Story()
    values = {"user_id": "user", "device_type": "desktop", "user_agent": "Firefox/41"}
    stay = story.open("s", NOON_MS, NOON_MS + 300_000, **values)
    stay.values.clear()
    stay.values["room_id"] = "room"
    stay.status(NOON_MS + 1000, "waiting", 1, 0, 0)
    stay.status(NOON_MS + 2000, "sending", 2, 1, 0, event="Publisher.streamCreated", verdict="implied")
    stay.status(NOON_MS + 2500, "sending", 2, 1, 0, event="Session.networkDisconnected", verdict="notice")
    stay.status(NOON_MS + 4000, "sendrecv", 2, 1, 1, event="Session.streamCreated")
    stay.status(NOON_MS + 5000, "init", 9, 9, 9, verdict="violation", moved=False)
    stay.close(NOON_MS + 9000, "left")
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        session = (await store.dicts("SELECT * FROM sessions"))[0]
        intervals = await store.rows(
            "SELECT state, duration_ms, entered_by, next_state FROM state_intervals ORDER BY entered_at"
        )
    assert intervals == [
        ("init", 1000, "open", "waiting"),
        ("waiting", 1000, "Session.connectionCreated", "sending"),
        ("sending", 2000, "Publisher.streamCreated", "sendrecv"),
        ("sendrecv", 5000, "Session.streamCreated", ""),
    ]
    assert {name: in_ms(value) for name, value in session.items()} == {
        "room_kind": "call",
        "room_id": "room",
        "session_id": "s",
        **values,
        "opened_at": NOON_MS,
        "closed_at": NOON_MS + 9000,
        "close_reason": "left",
        "first_send_at": NOON_MS + 2000,
        "first_recv_at": NOON_MS + 4000,
        "first_two_way_at": NOON_MS + 4000,
        "media_ms": 7000,
        "two_way_ms": 5000,
        "peak_connections": 2,
        "peak_send_streams": 1,
        "peak_recv_streams": 1,
        "statuses": 5,
        "violations": 1,
        "last_state": "sendrecv",
        "lease_ends_at": NOON_MS + 300_000,
        "last_activity_at": NOON_MS + 9000,
        "left_init_at": NOON_MS + 1000,
        "first_media_at": NOON_MS + 2000,
        "last_state_at": NOON_MS + 4000,
        "furthest": 5,
        "longest_two_way_ms": 5000,
        "failure": "",
        "peak_connections_with_media": 2,
        "one_way_sending_ms": 2000,
        "one_way_receiving_ms": 0,
        "one_way_since": None,
    }


async def test_an_implicit_opening_begins_the_stay_before_its_status(store_database: str) -> None:
    story = Story()
    stay = story.open_implicitly("s", NOON_MS, NOON_MS + 300_000)
    stay.close(NOON_MS + 700, "expired")
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        intervals = await store.rows("SELECT state, duration_ms, entered_by FROM state_intervals ORDER BY left_at")
        assert intervals == [("init", 0, "open"), ("waiting", 700, "Session.connectionCreated")]
        assert await store.rows("SELECT last_state, statuses, peak_connections FROM sessions") == [("waiting", 1, 1)]


async def test_what_is_no_stay_is_in_no_view_of_stays(store_database: str) -> None:
    story = Story()
    story.dead_letter(NOON_MS)
    refused = {"kind": "open", "fact": "open_refused", "session_id": "s", "at": NOON_MS, "room_id": "room"}
    registered = {"kind": "register", "fact": "user_registered", "room_id": "user", "user_id": "user", "at": NOON_MS}
    base = story.rows[0] | {"reason": "", "frame_inputs": 1}
    story.add(base | refused)
    story.add(base | registered)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        for view in ("sessions", "state_intervals", "live_sessions"):
            assert await store.rows(f"SELECT count() FROM {view}") == [(0,)]
