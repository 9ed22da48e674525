"""What is known of all streams: it is what clients were told, and new streams need no questions of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from ingest.streams.picture import EdgesOfWatchers, Picture
from state_machine.room import NEVER_MS
from storage.decisions import Decision
from storage.publications import PublishedStream, Watching
from tests.ingest.streaming import Directory

TAKEN_AT_MS = 1_000_000


@contextmanager
def crowd_of_pollers(directory: Directory, path: str) -> Iterator[list[int]]:
    """Let somebody else ask without a pause; gives the statuses of the answers."""
    over, statuses = threading.Event(), []

    def poll() -> None:
        with httpx.Client(base_url=directory.server.url, timeout=20.0) as client:
            while not over.is_set():
                statuses.append(client.get(f"/streammanager/api/2.0/{path}").status_code)

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        yield statuses
    finally:
        over.set()
        poller.join()


def test_who_is_told_of_a_change_finds_it_while_others_poll(streams: Directory) -> None:
    room, path = "told/demo", "event/told/demo/stats"
    with crowd_of_pollers(streams, path) as statuses:
        for number in range(8):
            streams.publish(room)
            streams.watch(room, f"viewer-{number}")
            assert streams.got(path)["currentSubscribers"] == 1
            assert streams.ask(f"event/{room}", action="subscribe").status_code == 200
            streams.decided({"kind": "close", "room": room, "session": f"viewer-{number}"})
            assert streams.got(path)["currentSubscribers"] == 0
            streams.unpublish(room)
            assert streams.ask(path).status_code == 404
            assert streams.ask(f"event/{room}", action="subscribe").status_code == 404
    assert set(statuses) == {200, 404}


def test_new_streams_need_no_questions_of_their_own(streams: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = "new"
    names = [f"{number:03d}" for number in range(200)]
    streams.decided(*({"kind": "publish", "room": f"{scope}/{name}"} for name in names))
    streams.decided(*({"kind": "open", "room": f"{scope}/{name}", "session": "viewer"} for name in names))
    asked = []
    store = streams.server.edge.store
    answer = store.rows

    async def counted(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return await answer(sql, parameters)

    streams.got(f"event/{scope}/000", action="broadcast")
    monkeypatch.setattr(store, "rows", counted)
    for name in names:
        assert streams.got(f"event/{scope}/{name}/stats")["currentSubscribers"] == 1
        assert streams.got(f"event/{scope}/{name}", action="subscribe")["name"] == name
    assert len(asked) < len(names), "two questions a picture, and none for a stream"


def stream(name: str, node: str, lease_ends_at_ms: int = NEVER_MS) -> PublishedStream:
    return PublishedStream(f"live/{name}", node, "eu", 0, lease_ends_at_ms)


def decision(fact: str, name: str, **members: Any) -> Decision:
    given = {"place": (0, 1, 0, 0), "at_ms": TAKEN_AT_MS + 1, **members}
    return Decision(fact=fact, room_kind="stream", room=f"live/{name}", **given)


def test_a_picture_answers_until_something_is_decided_about_the_stream() -> None:
    picture = Picture(
        TAKEN_AT_MS,
        [stream("a", "o1"), stream("b", "o1"), stream("over", "o1", TAKEN_AT_MS)],
        [Watching("live/a", "e1", 2), Watching("live/a", "", 1), Watching("live/b", "e1", 1)],
    )
    assert (picture.stream("live/a"), picture.stream("live/none")) == (stream("a", "o1"), None)
    assert (picture.watchers("live/a"), picture.watchers("live/none")) == (3, 0)
    assert picture.stream("live/over") is None
    assert (picture.publications["o1"], picture.subscribers["e1"]) == (2, 3)
    picture.apply(decision("session_opened", "a"), "e2")
    assert (picture.counts("live/a"), picture.answers_for("live/a")) == (False, True)
    picture.apply(decision("stream_unpublished", "b"), "")
    assert (picture.counts("live/b"), picture.answers_for("live/b")) == (True, False)


def test_a_picture_counts_on_what_nodes_carry() -> None:
    picture = Picture(TAKEN_AT_MS, [stream("a", "o1")], [Watching("live/a", "e1", 2)])
    edges = EdgesOfWatchers()

    def heard(fact: str, name: str, **members: Any) -> None:
        said = decision(fact, name, **members)
        picture.apply(said, edges.node_of(said))

    heard("stream_published", "b", extra={"node": "o1"})
    assert picture.publications["o1"] == 2
    heard("stream_published", "b", extra={"node": "o2"}, reason="renewed")
    assert (picture.publications["o1"], picture.publications["o2"]) == (1, 1)
    heard("stream_unpublished", "a")
    assert picture.publications["o1"] == 0
    heard("session_opened", "b", session="new", extra={"node": "e2"})
    heard("session_opened", "b", session="odd", extra={"node": 7})
    assert (picture.subscribers["e1"], picture.subscribers["e2"]) == (2, 1)
    heard("session_closed", "b", session="new", reason="left")
    heard("session_closed", "a", session="somebody of before", reason="left")
    assert (picture.subscribers["e1"], picture.subscribers["e2"]) == (2, 0)


def test_an_end_that_the_picture_has_counted_is_not_counted_again() -> None:
    picture = Picture(TAKEN_AT_MS, [], [Watching("live/a", "e1", 1)])
    picture.apply(decision("session_closed", "a", reason="expired", at_ms=TAKEN_AT_MS), "e1")
    assert picture.subscribers["e1"] == 1
    picture.apply(decision("session_closed", "a", reason="expired", at_ms=TAKEN_AT_MS + 1), "e1")
    assert picture.subscribers["e1"] == 0
