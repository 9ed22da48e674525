"""Following the store look by look: what is found, and when the picture is begun anew because that can't be sure."""

from collections.abc import AsyncIterator

import pytest

from ingest.live import following
from ingest.live.following import Follower
from ingest.store_gate import StoreGate
from storage.clock import now_ms
from storage.store import Store
from tests.storage.rows_builder import Row, Story, put

HOUR_MS = 3_600_000


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    async with await Store.connect(store_database) as connected:
        yield connected


async def begun(store: Store) -> Follower:
    follower = Follower(StoreGate.of(store), 2)
    await follower.begin()
    return follower


def shown(follower: Follower) -> dict[str, str]:
    return {stay.session: stay.state for stay in follower.picture.stays}


def opening_and_status(session: str, offset: int, judged_at_ms: int) -> list[Row]:
    story = Story(judged_at_ms=judged_at_ms, first_offset=offset)
    stay = story.open(session, judged_at_ms - 1000, judged_at_ms + HOUR_MS)
    stay.status(judged_at_ms - 500, "waiting", 1, 0, 0)
    return story.rows


async def test_looks_find_what_comes_and_only_once(store: Store) -> None:
    await put(store, opening_and_status("early", 0, now_ms()))
    follower = await begun(store)
    assert shown(follower) == {"early": "waiting"}
    await put(store, opening_and_status("late", 2, now_ms()))
    change = await follower.look()
    assert change is not None
    assert [stay.session for stay in change.changed] == ["late"]
    again = await follower.look()
    assert again is not None
    assert again.is_empty
    assert await follower.check()
    assert await follower.check()


async def test_offsets_that_are_missing_begin_it_anew(store: Store) -> None:
    await put(store, opening_and_status("early", 0, now_ms()))
    follower = await begun(store)
    await put(store, opening_and_status("behind a gap", 7, now_ms()))
    assert await follower.look() is None
    assert shown(follower) == {"early": "waiting", "behind a gap": "waiting"}
    assert await follower.look() is not None


async def test_too_much_at_once_begins_it_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = await begun(store)
    monkeypatch.setattr(following, "FACTS_MAX", 2)
    await put(store, opening_and_status("many", 0, now_ms()))
    assert await follower.look() is None
    assert shown(follower) == {"many": "waiting"}


async def test_what_a_clock_far_behind_judged_is_noticed_by_the_second_check(store: Store) -> None:
    await put(store, opening_and_status("early", 0, now_ms()))
    follower = await begun(store)
    await put(store, opening_and_status("judged long ago", 2, now_ms() - HOUR_MS // 2))
    change = await follower.look()
    assert change is not None
    assert change.is_empty
    # The first check only takes note: a fact may be stored between a look and a check.
    assert await follower.check()
    assert not await follower.check()
    assert shown(await begun(store)) == {"early": "waiting", "judged long ago": "waiting"}


async def test_more_than_are_shown_are_told_to_be_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "STAYS_MAX", 1)
    now = now_ms()
    story = Story(judged_at_ms=now)
    for number in range(2):
        story.open(f"s{number}", now - 1000 + number, now + HOUR_MS)
    await put(store, story.rows)
    follower = await begun(store)
    assert (follower.is_whole, shown(follower)) == (False, {"s1": "init"})
