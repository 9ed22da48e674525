"""Merges wait for requests: the threads that merge, and no others, have a lower priority."""

import asyncio
import os
import time
from pathlib import Path

from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.storage.rows_builder import NOON_MS, Story, put

_PATIENCE_S = 30.0


def _priorities(pid: int) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        name = (thread / "comm").read_text().strip()
        found.setdefault(name, set()).add(os.getpriority(os.PRIO_PROCESS, int(thread.name)))
    return found


async def test_only_merges_give_way(embedded_store: EmbeddedStore, store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        for number in range(2):
            story = Story(first_offset=2 * number)
            story.open(f"s{number}", NOON_MS).close(NOON_MS + 1)
            await put(store, story.rows)
        await store.command("OPTIMIZE TABLE room_events FINAL")
    assert embedded_store.process is not None
    deadline = time.monotonic() + _PATIENCE_S
    while (found := _priorities(embedded_store.process.pid)).pop("MergeMutate") != {5}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert max(set().union(*found.values())) == 0
