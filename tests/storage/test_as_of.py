"""Who was in a room at a moment: histories made by hand."""

from datetime import datetime
from typing import Any

from storage.as_of import attributes_as_of, is_known, people_as_of
from storage.store import Store
from storage.stories import StayPlace
from tests.storage.rows_builder import NOON_MS, Story, a_row, put


def at(after_s: float) -> int:
    return NOON_MS + round(after_s * 1000)


async def inside(store: Store, at_ms: int, room: str = "room", room_kind: str = "call") -> list[tuple[Any, ...]]:
    """Return who was inside: session, state, its beginning, counters."""
    names = ("session_id", "state", "state_since", "connections", "send_streams", "recv_streams")
    rows, people = await people_as_of(store, room_kind, room, at_ms, limit=100, after=None)
    assert people == len(rows)
    return [tuple(_in_ms(row[name]) for name in names) for row in rows]


def _in_ms(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


async def test_a_stay_is_there_from_its_opening_to_before_its_closing(store_database: str) -> None:
    story = Story()
    ann = story.open("ann", at(0), at(60), user_id="u")
    ann.status(at(1), "waiting", 1, 0, 0)
    ann.status(at(3), "waiting", 3, 0, 0, verdict="violation", moved=False)
    ann.status(at(5), "sending", 2, 1, 0)
    ann.close(at(9))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await inside(store, at(0) - 1) == []
        assert await inside(store, at(0)) == [("ann", "init", at(0), 0, 0, 0)]
        assert await inside(store, at(1)) == [("ann", "waiting", at(1), 1, 0, 0)]
        assert await inside(store, at(5) - 1) == [("ann", "waiting", at(1), 1, 0, 0)]
        assert await inside(store, at(5)) == [("ann", "sending", at(5), 2, 1, 0)]
        assert await inside(store, at(9) - 1) == [("ann", "sending", at(5), 2, 1, 0)]
        assert await inside(store, at(9)) == []
        assert await inside(store, at(5), "another") == []
        assert await inside(store, at(5), room_kind="stream") == []


async def test_an_implicit_stay_an_expired_one_and_a_killed_one(store_database: str) -> None:
    story = Story()
    story.open_implicitly("implicit", at(0), at(60))
    expired = story.open("expired", at(1), at(20))
    killed = story.open("killed", at(2), at(60))
    killed.close(at(10), "killed")
    expired.close(at(20), "expired")
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await inside(store, at(0)) == [("implicit", "waiting", at(0), 1, 0, 0)]
        assert [row[0] for row in await inside(store, at(9))] == ["implicit", "expired", "killed"]
        assert [row[0] for row in await inside(store, at(10))] == ["implicit", "expired"]
        assert [row[0] for row in await inside(store, at(20))] == ["implicit"]


async def test_a_lease_that_is_over_counts_also_where_its_closing_is_not_stored(store_database: str) -> None:
    story = Story()
    story.open("once", at(0), at(60))
    renewed = story.open("renewed", at(1), at(60))
    renewed.refresh(at(50), at(110))
    story.open("for ever", at(2))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert [row[0] for row in await inside(store, at(60) - 1)] == ["once", "renewed", "for ever"]
        assert [row[0] for row in await inside(store, at(60))] == ["renewed", "for ever"]
        assert [row[0] for row in await inside(store, at(110))] == ["for ever"]


async def test_whoever_comes_again_has_two_stays(store_database: str) -> None:
    story = Story()
    story.open("ann", at(0), at(60)).close(at(5))
    story.open("ann", at(8), at(68)).status(at(9), "waiting", 1, 0, 0)
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert [await inside(store, at(moment)) for moment in (4, 5, 7)] == [
            [("ann", "init", at(0), 0, 0, 0)],
            [],
            [],
        ]
        assert await inside(store, at(8)) == [("ann", "init", at(8), 0, 0, 0)]
        assert await inside(store, at(9)) == [("ann", "waiting", at(9), 1, 0, 0)]


async def test_a_clock_that_stepped_back_ends_no_stay_before_its_last_fact(store_database: str) -> None:
    story = Story()
    ann = story.open("ann", at(0), at(60))
    # Received before the opening by a clock that had stepped back: dated at the opening, its lease ends before.
    ann.refresh(at(0), at(-40))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        assert await inside(store, at(-1)) == []
        assert await inside(store, at(0)) == []
        more = Story(first_offset=10)
        bob = more.open("bob", at(0), at(10))
        bob.status(at(30), "waiting", 1, 0, 0)
        await put(store, more.rows)
        assert [row[0] for row in await inside(store, at(29))] == ["bob"]
        assert await inside(store, at(30)) == []


async def test_many_come_in_pages(store_database: str) -> None:
    story = Story()
    for number in range(5):
        story.open(f"s{number}", at(number // 2), at(60))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        found: list[str] = []
        after: StayPlace | None = None
        while True:
            rows, people = await people_as_of(store, "call", "room", at(30), limit=2, after=after)
            if not rows:
                break
            assert people == 5
            found += [row["session_id"] for row in rows]
            after = StayPlace(_in_ms(rows[-1]["opened_at"]), rows[-1]["session_id"])
        assert found == ["s0", "s1", "s2", "s3", "s4"]


async def test_what_was_said_of_a_room_until_then(store_database: str) -> None:
    story = Story()
    said = {"room_id": "room", "kind": "room_create", "fact": "room_created", "extra": '{"room_name": "tea"}'}
    story.add(a_row(**said, at=at(0)))
    story.add(a_row(**said | {"fact": "room_updated", "extra": '{"room_name": "coffee"}'}, at=at(5)))
    story.add(a_row(**said | {"fact": "room_deleted", "extra": ""}, at=at(9)))
    async with await Store.connect(store_database) as store:
        await put(store, story.rows)
        names = [await attributes_as_of(store, "call", "room", at(moment)) for moment in (-1, 0, 4, 5, 9)]
        assert names == [None, {"room_name": "tea"}, {"room_name": "tea"}, {"room_name": "coffee"}, None]
        assert [await is_known(store, kind, "room") for kind in ("call", "stream")] == [True, False]
