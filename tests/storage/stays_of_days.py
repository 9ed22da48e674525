"""Puts a stay into a day of the store, and waits for what the engine then does with it on its own."""

import asyncio
import time

from storage.store import Store
from tests.storage.rows_builder import Story, put

_PATIENCE_S = 60.0


async def put_stay(store: Store, session: str, judged_at_ms: int, offset: int) -> None:
    """Insert the opening and the closing of one stay, two rows, as judged at that time."""
    story = Story(judged_at_ms=judged_at_ms, first_offset=offset)
    story.open(session, judged_at_ms + offset).close(judged_at_ms + offset + 1)
    await put(store, story.rows)


async def wait_for_rows(store: Store, sql: str, wanted: list[tuple[object, ...]]) -> None:
    """Ask until the answer is the one that is wanted; fail with the last one after a minute."""
    deadline = time.monotonic() + _PATIENCE_S
    while (found := await store.rows(sql)) != wanted:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.2)
