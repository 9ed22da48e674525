"""Stories and moments are told where a store is a cluster, whose tables are spread over shards."""

from collections.abc import Iterator

import pytest

from storage.as_of import people_as_of
from storage.fact_places import Place
from storage.migrate import migrate
from storage.session_story import session_page
from storage.store import Store
from storage.stories import room_facts
from tests.storage.cluster_store import ONE_SHARD, ClusterStore, migrations_without_keeper
from tests.storage.rows_builder import NOON_MS, Row, Story, a_row, put


@pytest.fixture(scope="module")
def cluster_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStore]:
    store = ClusterStore(tmp_path_factory.mktemp("cluster_store"))
    store.start()
    yield store
    store.stop()


def rows() -> list[Row]:
    """Return two rooms of different partitions, in each of which somebody gives way to another."""
    found = []
    for partition in range(2):
        story = Story(partition)
        named = {"room_id": f"room {partition}"}
        first = story.open("first", NOON_MS, NOON_MS * 2, **named)
        first.status(NOON_MS + 1000, "sendrecv", 2, 1, 1)
        opening = {"kind": "open", "at": NOON_MS + 2000, "session_id": "second", **named}
        closed = {"fact": "session_closed", "reason": "replaced", "session_id": "first", "opened_at": NOON_MS}
        second = {"fact": "session_opened", "opened_at": NOON_MS + 2000, "state": "init", "moved": True}
        story.add(a_row(**opening | second), a_row(**opening | closed, prev_state="sendrecv"))
        story.add(a_row(kind="room_update", fact="room_updated", at=NOON_MS + 3000, extra="{}", **named))
        found += story.rows
    return found


async def test_a_cluster_tells_stories_and_moments(cluster_store: ClusterStore) -> None:
    url = cluster_store.new_url(ONE_SHARD)
    with migrations_without_keeper():
        await migrate(url)
    async with await Store.connect(url) as store:
        await put(store, rows())
        page = await session_page(store, "first", 10, None)
        told = [(fact["room_id"], fact["fact"], fact["known"]["facts"]) for fact in page.facts]
        assert told == [
            (f"room {partition}", *fact)
            for partition in range(2)
            for fact in (("session_opened", 0), ("status_judged", 1), ("session_closed", 2))
        ]
        (instead,) = page.facts[2]["same_input"]["told"]
        assert (instead["session_id"], instead["place"]) == ("second", "0.2.0.0")
        cut = await session_page(store, "first", 2, Place(0, 0, 0, 0))
        assert (len(cut.facts), cut.total, cut.has_more) == (2, 6, True)
        assert [fact["fact"] for fact in (await room_facts(store, "call", "room 1", 10, None)).facts] == [
            "room_updated"
        ]
        for moment, names in ((1000, ["first"]), (2000, ["second"]), (-1, [])):
            inside, _ = await people_as_of(store, "call", "room 1", NOON_MS + moment, limit=10, after=None)
            assert [row["session_id"] for row in inside] == names
