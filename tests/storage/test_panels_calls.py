"""Questions about the quality of calls, on a few calls whose answers were worked out by hand."""

from storage.clock import now_ms
from storage.store import Store
from tests.storage.asked_panels import MINUTE_MS, ask, minutes_ago
from tests.storage.rows_builder import Story, a_row, put

LEASE_MS = 300_000
FIREFOX = {"user_agent": "Firefox"}


def an_evening(began: int) -> Story:
    """Return two rooms' stays that end in every way; the numbers behind each are what the tests expect."""
    story = Story()
    # Talks for 20 s, 3 s after it sends alone while somebody is there; comes back 30 s later and gives way to itself.
    good = story.open("good", began, began + LEASE_MS, user_id="u1", **FIREFOX)
    good.status(began + 1_000, "waiting", 1, 0, 0)
    good.status(began + 2_000, "sending", 2, 1, 0)
    good.status(began + 5_000, "sendrecv", 2, 1, 1)
    good.status(began + 6_000, "waiting", 9, 9, 9, verdict="violation", reason="state_disagrees", moved=False)
    good.close(began + 25_000)
    again = story.open("again", began + 55_000, began + LEASE_MS, user_id="u1", **FIREFOX)
    again.status(began + 56_000, "sending", 1, 1, 0)
    again.status(began + 71_000, "sending", 2, 1, 0)
    again.status(began + 76_000, "sendrecv", 2, 1, 1)
    again.close(began + 80_000, "replaced")
    # Its SDK fails; media after that would have made it a success.
    broken = story.open("broken", began + 500, began + LEASE_MS, user_id="u2")
    broken.status(began + 1_500, "waiting", 1, 0, 0)
    broken.status(began + 2_000, "waiting", 1, 0, 0, event="SDK.exception.1006", verdict="notice")
    broken.status(began + 2_500, "starting", 0, 0, 0, event="Session.networkDisconnected", verdict="late", moved=False)
    broken.close(began + 3_000)
    recovered = story.open("recovered", began + 500, began + LEASE_MS, room_id="other")
    recovered.status(began + 900, "waiting", 1, 0, 0, event="sdk.exception.1554", verdict="notice")
    recovered.status(began + 5_501, "receiving", 1, 0, 1)
    recovered.close(began + 7_000)
    # Sees somebody for five minutes and is never heard of again.
    crashed = story.open("crashed", began + 60_000, began + 360_000, room_id="other")
    crashed.status(began + 62_000, "receiving", 2, 0, 1)
    crashed.close(began + 360_000, "expired")
    story.open("shy", began + 61_000, began + LEASE_MS).close(began + 62_000)
    deaf = story.open("deaf", began + 62_000, began + LEASE_MS)
    deaf.status(began + 63_000, "starting", 2, 0, 0)
    deaf.close(began + 90_000)
    killed = story.open("killed", began + 120_000, began + LEASE_MS)
    killed.status(began + 126_000, "sendrecv", 2, 1, 1)
    killed.close(began + 131_000, "killed")
    for at_ms, reason in ((began + 70_000, "room_full"), (began + 71_000, "room_deleted")):
        times = {"at": at_ms, "received_at": at_ms, "occurred_at": at_ms}
        story.add(a_row(kind="open", fact="open_refused", reason=reason, room_id="room", session_id="x", **times))
    # Neither calls nor of this span.
    story.open("player", began, began + LEASE_MS, room_kind="account").close(began + 1_000, "expired")
    story.open("early", began - 1, began + LEASE_MS).close(began + 1_000, "killed")
    return story


async def test_how_calls_went(store_database: str) -> None:
    began = minutes_ago(60)
    async with await Store.connect(store_database) as store:
        await put(store, an_evening(began).rows)
        assert await ask(store, "calls", began) == [(2, 8, 15, 5, 1, 2, 0)]
        assert await ask(store, "calls", began, user_agent="Firefox") == [(1, 2, 7, 1, 0, 1, 0)]
        joins = await ask(store, "joins_over_time", began, began + 3 * MINUTE_MS)
        assert joins == [(began, 4, 0), (began + MINUTE_MS, 3, 2), (began + 2 * MINUTE_MS, 1, 0)]
        assert await ask(store, "join_success", began) == [(7, 5, 3, 71.43, 42.86)]
        assert await ask(store, "join_success", began, room="other") == [(2, 2, 1, 100, 50)]
        assert await ask(store, "join_success", began, room="nobody's") == [(0, 0, 0, None, None)]
        assert await ask(store, "join_success_over_time", began, began + 4 * MINUTE_MS) == [
            (began, 75.0, 50.0, 4),
            (began + MINUTE_MS, 50.0, 50.0, 2),
            (began + 2 * MINUTE_MS, 100.0, 0.0, 1),
            (began + 3 * MINUTE_MS, None, None, 0),
        ]
        assert await ask(store, "funnel", began) == [
            ("init", 8, 100, 0, 1, 0),
            ("waiting", 7, 87.5, 0, 1, 0),
            ("starting", 6, 75, 0, 1, 0),
            ("first media", 5, 62.5, 1, 1, 0),
            ("two-way", 3, 37.5, 1, 1, 0),
            ("sustained two-way", 1, 12.5, 1, 0, 0),
        ]


async def test_how_long_things_took(store_database: str) -> None:
    began = minutes_ago(60)
    async with await Store.connect(store_database) as store:
        await put(store, an_evening(began).rows)
        # Sends after 1000, 2000, 6000 ms; receives after 2000, 5000, 5001, 6000, 21000; both after 5000, 6000, 21000.
        assert await ask(store, "time_to_first_media", began) == [
            ("first send", 3, 2000, 6000, 6000, 6000),
            ("first receive", 5, 5001, 6000, 21000, 21000),
            ("first media", 5, 2000, 5001, 6000, 6000),
            ("two-way", 3, 6000, 21000, 21000, 21000),
        ]
        over_time = await ask(store, "time_to_first_media_over_time", began, began + 2 * MINUTE_MS)
        assert over_time[0] == (began, *[2000] * 4, *[5001, 21000, 21000, 21000], *[21000] * 4)
        assert over_time[1] == (began + MINUTE_MS, *[None] * 4, *[2000] * 4, *[None] * 4)
        assert await ask(store, "talk_time", began) == [(3, 29_000, 5000, 20_000, 20_000, 20_000)]
        # Of those with media beside somebody, one only received; the one who came back was alone for most of it.
        assert await ask(store, "one_way_media", began) == [(4, 1, 25, 0, 1)]
        assert await ask(store, "reconnects", began) == [(3, 1, 33.33, 30_000)]
        assert await ask(store, "reconnects", began + 50_000) == [(1, 1, 100, 30_000)]


async def test_why_calls_failed(store_database: str) -> None:
    began = minutes_ago(60)
    found = {"sdk_exception": 1, "lease_expired": 1, "killed": 1, "limit_denied": 1, "never_connected": 1, "unknown": 1}
    async with await Store.connect(store_database) as store:
        await put(store, an_evening(began).rows)
        rows = await ask(store, "failure_reasons", began)
        assert {reason: failures for reason, failures, _ in rows if failures} == found
        assert len(rows) == 8
        assert {percent for _, failures, percent in rows if failures} == {11.11}
        over_time = await ask(store, "failure_reasons_over_time", began, began + 3 * MINUTE_MS)
        assert [row[1:] for row in over_time] == [
            (1, 0, 0, 0, 0, 0, 0, 0),
            (0, 0, 0, 1, 0, 1, 1, 1),
            (0, 0, 0, 0, 1, 0, 0, 0),
        ]


async def test_a_call_that_goes_on_is_neither_left_nor_failed(store_database: str) -> None:
    began = minutes_ago(10)
    story = Story()
    talking = story.open("talking", began, now_ms() + LEASE_MS)
    talking.status(began + 1_000, "sendrecv", 2, 1, 1)
    one_way = story.open("one way", began, now_ms() + LEASE_MS)
    one_way.status(began + 1_000, "sending", 2, 1, 0)
    lapsed = story.open("lapsed", began, began + 11_000)
    lapsed.status(began + 1_000, "sending", 2, 1, 0)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        funnel = await ask(store, "funnel", began)
        assert funnel[3] == ("first media", 3, 100, 0, 0, 2)
        assert funnel[5] == ("sustained two-way", 1, 33.3, 0, 0, 1)
        # A stretch of exactly 10 s, to the end of the lease, is none.
        assert await ask(store, "one_way_media", began) == [(3, 1, 33.33, 1, 0)]
        assert await ask(store, "talk_time", began) == [(0, 0, None, None, None, None)]
        assert sum(failures for _, failures, _ in await ask(store, "failure_reasons", began)) == 0


async def test_a_session_that_comes_back_has_stays_of_its_own(store_database: str) -> None:
    began = minutes_ago(60)
    story = Story()
    first = story.open_implicitly("s", began, began + LEASE_MS)
    first.status(began + 1_000, "sendrecv", 2, 1, 1)
    first.close(began + 300_000, "expired")
    second = story.open("s", began + 400_000, began + 700_000)
    second.close(began + 401_000)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await ask(store, "join_success", began) == [(1, 1, 1, 100, 100)]
        assert [row[1] for row in await ask(store, "funnel", began)] == [2, 1, 1, 1, 1, 1]
