"""What the store says of streams, kept for a moment: clients poll a missing stream every second, and many at once.

An answer about one stream is kept until something is decided about that stream, at most a second; the loads of the
nodes until something is decided about any stream, if reading them is quick, else for that second. Decisions are heard
after their rows are stored, so whoever holds the answer to a command finds it here too. Questions that come while one
is under way share its answer.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from storage.clock import now_ms
from storage.decisions import Decision
from storage.publications import PublishedStream, published_stream, published_streams, watching
from storage.reading import Rows

_KEPT_S: Final = 1.0
_STREAMS_MAX: Final = 20_000
_QUICK_S: Final = 0.1
"""Loads that took longer to read are not read again for each opening and closing."""


class Loads(NamedTuple):
    """What each node carries, by address."""

    publications: Mapping[str, int]
    subscribers: Mapping[str, int]


@dataclass(slots=True)
class _Kept:
    asked_s: float
    answer: "asyncio.Future[PublishedStream | None]"


class KnownStreams:
    """Answers about streams and loads from the store, remembered for a moment."""

    def __init__(self, store: Rows, catch_up: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._catch_up = catch_up
        self._streams: dict[str, _Kept] = {}
        self._loads: asyncio.Future[Loads] | None = None
        self._loads_read_s = 0.0
        self._loads_took_s = 0.0

    def apply(self, decision: Decision) -> None:
        """Forget what a decision has changed."""
        if decision.room_kind != "stream":
            return
        self._streams.pop(decision.room, None)
        if self._loads_took_s <= _QUICK_S or decision.fact in ("stream_published", "stream_unpublished"):
            self._loads = None

    async def stream(self, room: str) -> PublishedStream | None:
        """Return the stream if nobody unpublished it; its lease may be over.

        Raises: StoreUnavailable, StoreRefused.
        """
        await self._catch_up(room)
        kept = self._streams.get(room)
        if kept is None or time.monotonic() - kept.asked_s > _KEPT_S:
            if len(self._streams) >= _STREAMS_MAX:
                self._streams.clear()
            kept = _Kept(time.monotonic(), asyncio.ensure_future(published_stream(self._store, room)))
            kept.answer.add_done_callback(lambda answer: self._drop_failed(room, answer))
            self._streams[room] = kept
        return await asyncio.shield(kept.answer)

    async def loads(self) -> Loads:
        """Return what the nodes carry.

        Raises: StoreUnavailable, StoreRefused.
        """
        loads = self._loads
        is_old = time.monotonic() - self._loads_read_s > _KEPT_S
        if loads is None or (loads.done() and (is_old or loads.cancelled() or loads.exception() is not None)):
            loads = self._loads = asyncio.ensure_future(self._read_loads())
        return await asyncio.shield(loads)

    def _drop_failed(self, room: str, answer: "asyncio.Future[PublishedStream | None]") -> None:
        if answer.cancelled() or answer.exception() is not None:
            kept = self._streams.get(room)
            if kept is not None and kept.answer is answer:
                del self._streams[room]

    async def _read_loads(self) -> Loads:
        begun_s = time.monotonic()
        streams, watchers = await asyncio.gather(published_streams(self._store), watching(self._store))
        self._loads_read_s = begun_s
        self._loads_took_s = time.monotonic() - begun_s
        now = now_ms()
        subscribers: Counter[str] = Counter()
        for each in watchers:
            subscribers[each.node] += each.subscribers
        return Loads(Counter(each.node for each in streams if each.lease_ends_at_ms > now), subscribers)
