"""Questions about updates, playback, and the pipeline."""

from storage.store import Store
from tests.storage.asked_panels import MINUTE_MS, ask, minutes_ago
from tests.storage.rows_builder import Story, a_row, put

FIREFOX = {"user_agent": "Firefox"}
PHONE = {"user_agent": "Phone"}


def updates(began: int) -> Story:
    """Return updates of two clients within two minutes."""
    story = Story(judged_at_ms=began + 500)
    stay = story.open("s", began, began + 900_000, **FIREFOX)
    stay.status(began + 1_000, "waiting", 1, 0, 0)
    stay.status(began + 2_000, "sendrecv", 2, 1, 1, verdict="implied")
    jump = {"verdict": "violation", "reason": "counter_jump", "event": "Session.streamCreated", **PHONE}
    stay.status(began + 61_000, "sending", 4, 1, 0, **jump)
    stay.status(began + 62_000, "x<script>", 4, 1, 0, verdict="violation", reason="unknown_state", moved=False, **PHONE)
    stay.status(began + 63_000, "sending", 4, 1, 0, verdict="duplicate", moved=False)
    stay.close(began + 64_000)
    other = story.open("s", began + 65_000, began + 900_000, room_kind="account")
    other.status(began + 66_000, "sending", 4, 1, 0, **jump)
    return story


async def test_verdicts_and_violations(store_database: str) -> None:
    began = minutes_ago(60)
    async with await Store.connect(store_database) as store:
        await put(store, updates(began).rows)
        assert await ask(store, "verdicts", began) == [
            ("violation", 3, 50),
            ("diagram", 1, 16.7),
            ("duplicate", 1, 16.7),
            ("implied", 1, 16.7),
        ]
        over_time = await ask(store, "verdicts_over_time", began, began + 3 * MINUTE_MS, room_kind="call")
        assert [sum(row[1:]) for row in over_time] == [2, 3, 0]
        assert over_time[1][8:10] == (2, 1)
        assert await ask(store, "violations_by_reason", began) == [("counter_jump", 2, 2), ("unknown_state", 1, 1)]
        assert await ask(store, "violations_by_event", began, room_kind="call") == [
            ("Session.connectionCreated", 1, 1),
            ("Session.streamCreated", 1, 1),
        ]
        assert await ask(store, "violations_by_user_agent", began) == [("Phone", 3, 3, 100, 2)]
        assert await ask(store, "offenders", began, limit=1) == [
            ("Phone", "Session.streamCreated", "counter_jump", 2, 2)
        ]
        assert [row[0] - began for row in await ask(store, "violations", began)] == [66_000, 62_000, 61_000]
        assert await ask(store, "user_agents", began) == [("Firefox", 1, 5, 2)]
        assert await ask(store, "transitions", began, room_kind="call") == [
            ("", "init", "opened", 1, 1),
            ("init", "waiting", "diagram", 1, 1),
            ("sending", "", "closed", 1, 1),
            ("sending", "other", "violation", 0, 1),
            ("sendrecv", "sending", "violation", 1, 1),
            ("waiting", "sendrecv", "implied", 1, 1),
        ]


async def test_playback(store_database: str) -> None:
    began = minutes_ago(60)
    story = Story()
    for number, reason in enumerate(("left", "expired", "replaced", "killed", "expired")):
        stay = story.open(f"s{number}", began + number, began, room_kind="account", room_id="acc")
        stay.close(began + MINUTE_MS + number, reason)
    for reason in ("playback_limit", "other_device_type"):
        refused = {"at": began + 5, "received_at": began + 5, "room_kind": "account", "room_id": "acc"}
        story.add(a_row(kind="open", fact="open_refused", session_id="x", reason=reason, **refused))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        until = began + 2 * MINUTE_MS
        assert await ask(store, "playback_limits_denied", began, until) == [(began, 5, 1), (began + MINUTE_MS, 0, 0)]
        assert await ask(store, "zombies_reaped", began, until) == [(began, *[0] * 4), (began + MINUTE_MS, 2, 1, 1, 1)]


async def test_the_pipeline(store_database: str) -> None:
    began = minutes_ago(60)
    story = updates(began)
    story.dead_letter(began + 90_000, "not_an_input", '{"base64": "PGI+/w==", "bytes": 4, "detail": "no JSON"}')
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        over_time = await ask(store, "inputs_over_time", began, began + 2 * MINUTE_MS)
        assert [row[1:5] for row in over_time] == [(3, 2, 1, 0), (7, 4, 1, 0)]
        assert [row[-1] for row in over_time] == [0, 1]
        assert await ask(store, "accounting") == [(10, 9, 1, True)]
        assert await ask(store, "accounting_by_partition") == [(0, 10, 0, 9, 10, 9, 1, True)]
        ((_, *_, reason, detail, length, beginning),) = await ask(store, "dead_letters", began)
        assert (reason, detail, length, beginning) == ("not_an_input", "no JSON", 4, "<b>\ufffd")
        dead = await ask(store, "dead_letters_over_time", began, began + 2 * MINUTE_MS)
        assert [row[1] for row in dead] == [0, 1]
        ((inputs, p50_ms, _, p99_ms),) = await ask(store, "freshness", began)
        assert inputs == 9
        assert 50 * MINUTE_MS < p50_ms <= p99_ms < 70 * MINUTE_MS
        fresh = await ask(store, "freshness_over_time", began, began + 3 * MINUTE_MS)
        assert fresh[2][1:] == (None, None, None)
        assert fresh[1][1] < p50_ms + MINUTE_MS
        # All were judged at once, half a second after the first was received and before the others were.
        assert [row[1:2] + row[3:] for row in await ask(store, "lag", began, began + 2 * MINUTE_MS)] == [
            (500, 9),
            (None, 0),
        ]
        assert [row[2:3] for row in await ask(store, "restarts", 0, began + 90 * MINUTE_MS)] == [(1,)]
        assert await ask(store, "rule_versions", began) == [(began + 500, 1, "rules of version 1")]
        assert await ask(store, "rule_versions", began + 501) == []


async def test_stories_stand_in_log_order(store_database: str) -> None:
    began = minutes_ago(60)
    story = Story()
    first = story.open_implicitly("s", began, began + 900_000)
    first.status(began, "sending", 1, 1, 0)
    story.open("other", began, began + 900_000)
    story.open("s", began, began + 900_000, room_id="elsewhere")
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        facts = [(row[1], row[2], row[5]) for row in await ask(store, "session_story", session="s")]
        opened, judged = "session_opened", "status_judged"
        # The opening is a consequence of the status that it was opened by, and comes before it.
        assert facts == [
            ("call", "room", opened),
            ("call", "room", judged),
            ("call", "room", judged),
            ("call", "elsewhere", opened),
        ]
        assert len(await ask(store, "session_story", session="s", room="room")) == 3
        told = [(row[3], row[5]) for row in await ask(store, "room_story", began, room="room")]
        assert told == [("s", opened), ("s", judged), ("s", judged), ("other", opened)]
        assert await ask(store, "room_story", began + 1, room="room") == []
        assert len(await ask(store, "rooms", began)) == 2
