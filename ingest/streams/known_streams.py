"""What the store says of streams, kept for a moment: clients poll a missing stream every second, and many at once.

An answer about one stream is kept until something is decided about that stream, at most a second; the loads of the
nodes until something is decided about any stream, if reading them is quick, else for that second. Decisions are heard
after their rows are stored, so whoever holds the answer to a command finds it here too.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from ingest.streams.remembered import KEPT_S, Remembered
from storage.clock import now_ms
from storage.decisions import Decision
from storage.publications import PublishedStream, published_stream, published_streams, watching
from storage.reading import Rows

_QUICK_S: Final = 0.1
"""Loads that took longer to read are not read again for each opening and closing."""


class Loads(NamedTuple):
    """What each node carries, by address, and the streams that this was counted from, by room."""

    publications: Mapping[str, int]
    subscribers: Mapping[str, int]
    streams: Mapping[str, PublishedStream]


class KnownStreams:
    """Answers about streams and loads from the store, remembered for a moment."""

    def __init__(self, store: Rows, catch_up: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._catch_up = catch_up
        self._streams = Remembered(lambda room: published_stream(store, room))
        self._watching = Remembered(lambda room: watching(store, room))
        self._loads: asyncio.Future[Loads] | None = None
        self._loads_read_s = 0.0
        self._loads_took_s = 0.0

    def apply(self, decision: Decision) -> None:
        """Forget what a decision has changed."""
        if decision.room_kind != "stream":
            return
        self._streams.forget(decision.room)
        self._watching.forget(decision.room)
        if self._loads_took_s <= _QUICK_S or decision.fact in ("stream_published", "stream_unpublished"):
            self._loads = None

    async def stream(self, room: str) -> PublishedStream | None:
        """Return the stream if nobody unpublished it; its lease may be over.

        Raises: StoreUnavailable, StoreRefused.
        """
        await self._catch_up(room)
        fresh = self._fresh_loads()
        return await self._streams.of(room) if fresh is None else fresh.streams.get(room)

    async def subscribers(self, room: str) -> int:
        """Return how many watch the stream.

        Raises: StoreUnavailable, StoreRefused.
        """
        await self._catch_up(room)
        return sum(each.subscribers for each in await self._watching.of(room))

    async def loads(self) -> Loads:
        """Return what the nodes carry.

        Raises: StoreUnavailable, StoreRefused.
        """
        fresh = self._fresh_loads()
        if fresh is not None:
            return fresh
        loads = self._loads
        if loads is None or loads.done():
            loads = self._loads = asyncio.ensure_future(self._read_loads())
        return await asyncio.shield(loads)

    def _fresh_loads(self) -> Loads | None:
        loads = self._loads
        if loads is None or not loads.done() or loads.cancelled() or loads.exception() is not None:
            return None
        return loads.result() if time.monotonic() - self._loads_read_s <= KEPT_S else None

    async def _read_loads(self) -> Loads:
        begun_s = time.monotonic()
        streams, watchers = await asyncio.gather(published_streams(self._store), watching(self._store))
        self._loads_read_s = begun_s
        self._loads_took_s = time.monotonic() - begun_s
        now = now_ms()
        subscribers: Counter[str] = Counter()
        for each in watchers:
            subscribers[each.node] += each.subscribers
        publications = Counter(each.node for each in streams if each.lease_ends_at_ms > now)
        return Loads(publications, subscribers, {each.room: each for each in streams})
