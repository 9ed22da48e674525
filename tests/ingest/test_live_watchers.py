"""Those who watch: every message in order, the whole picture for who is slow, and a clean end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.live.watchers import TooManyWatchers, Watchers
from storage.sqlite_log import SqliteLog
from tests.ingest.serving import served, settings_for
from tests.ingest.watching import watching

WHOLE = b"whole"


async def heard(messages: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(5):
        return await anext(messages)


async def test_one_hears_the_whole_first_and_then_everything_in_order() -> None:
    watchers = Watchers()
    watcher = watchers.add()
    watcher.begin_anew()
    messages = watcher.messages(lambda: WHOLE)
    assert await heard(messages) == WHOLE
    for number in range(3):
        watchers.tell(b"%d" % number)
    assert await heard(messages) == b"012"


async def test_who_is_slow_hears_the_whole_again_and_holds_no_more_than_that() -> None:
    watchers = Watchers()
    slow = watchers.add()
    slow.begin_anew()
    messages = slow.messages(lambda: WHOLE)
    assert await heard(messages) == WHOLE
    for _ in range(40):
        watchers.tell(bytes(100_000))
    assert slow.waiting_bytes == 0
    assert await heard(messages) == WHOLE
    watchers.tell(b"next")
    assert await heard(messages) == b"next"


async def test_without_a_picture_it_is_given_as_soon_as_there_is_one() -> None:
    watchers = Watchers()
    watcher = watchers.add()
    watcher.begin_anew()
    pictures = [None, WHOLE]
    messages = watcher.messages(lambda: pictures.pop(0))
    assert (await heard(messages)).startswith(b":")
    watchers.tell(b"news")
    assert await heard(messages) == WHOLE


async def test_a_closed_house_lets_all_go_and_nobody_in() -> None:
    watchers = Watchers()
    watcher = watchers.add()
    watchers.close()
    with pytest.raises(StopAsyncIteration):
        await heard(watcher.messages(lambda: WHOLE))
    with pytest.raises(TooManyWatchers):
        watchers.add()


def test_a_server_that_ends_ends_the_feed(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", 4)
    with served(settings_for(tmp_path), log) as server:
        following = watching(server)
        watched = following.__enter__()
        watched.until("health")
    # It has ended by now, and did not wait for who watched.
    with pytest.raises(EOFError):
        watched.until("never")
    following.__exit__(None, None, None)
    log.close()
