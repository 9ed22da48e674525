"""What the store says of streams, kept for a moment: clients poll a missing stream every second, and many at once.

While streams are asked for, all of them are read together again and again, so that an answer waits for no question to
the store; no answer is more than a second old. A stream about which something was decided since is asked for alone, and
that answer is kept until the next decision about it, also at most a second. Decisions are heard after their rows are
stored, so whoever holds the answer to a command finds it here too. None of it is written anywhere.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from ingest.streams.picture import EdgesOfWatchers, Picture
from ingest.streams.remembered import KEPT_S, Remembered
from storage.clock import now_ms
from storage.decisions import Decision
from storage.publications import PublishedStream, published_stream, published_streams, watching
from storage.reading import Rows
from storage.store import StoreError

_AGAIN_S: Final = 0.6
"""Sooner than a picture is too old, so that there always is one."""
_SHARE: Final = 4
"""Pictures are taken in no more than this part of the time: a quarter."""
_IN_USE_S: Final = 2.0
"""How long pictures are taken after the last question: who polls every second always finds one."""


class KnownStreams:
    """Answers about streams and loads from the store, remembered for a moment."""

    def __init__(self, store: Rows, catch_up: Callable[[str], Awaitable[None]]) -> None:
        self._store = store
        self._catch_up = catch_up
        self._alone = Remembered(lambda room: published_stream(store, room))
        self._watching_alone = Remembered(lambda room: watching(store, room))
        self._edges = EdgesOfWatchers()
        self._picture: Picture | None = None
        self._good_until_s = 0.0
        self._loads_good_until_s = 0.0
        self._asked_s = 0.0
        self._heard: list[tuple[Decision, str]] = []
        self._taking: asyncio.Future[Picture] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def apply(self, decision: Decision) -> None:
        """Take note of a decision."""
        if decision.room_kind != "stream":
            return
        self._alone.forget(decision.room)
        self._watching_alone.forget(decision.room)
        node = self._edges.node_of(decision)
        if self._picture is not None:
            self._picture.apply(decision, node)
        if self._taking is not None:
            self._heard.append((decision, node))

    def close(self) -> None:
        """Ask no more."""
        for task in (self._keeping, self._taking):
            if task is not None:
                task.cancel()

    async def stream(self, room: str) -> PublishedStream | None:
        """Return the stream if nobody unpublished it; its lease may be over.

        Raises: StoreUnavailable, StoreRefused.
        """
        await self._catch_up(room)
        picture = self._newest(self._good_until_s)
        if picture is not None and picture.answers_for(room):
            return picture.stream(room)
        return await self._alone.of(room)

    async def subscribers(self, room: str) -> int:
        """Return how many watch the stream.

        Raises: StoreUnavailable, StoreRefused.
        """
        await self._catch_up(room)
        picture = self._newest(self._good_until_s)
        if picture is not None and picture.counts(room):
            return picture.watchers(room)
        return sum(each.subscribers for each in await self._watching_alone.of(room))

    async def loads(self) -> Picture:
        """Return what the nodes carry.

        Raises: StoreUnavailable, StoreRefused.
        """
        return self._newest(self._loads_good_until_s) or await self._taken()

    def _newest(self, good_until_s: float) -> Picture | None:
        """Return the picture if it is good, and see to it that there will be another."""
        self._asked_s = time.monotonic()
        if self._keeping is None:
            self._keeping = asyncio.ensure_future(self._keep())
        return self._picture if self._asked_s <= good_until_s else None

    async def _keep(self) -> None:
        """Take a picture again and again for as long as somebody asks."""
        try:
            while time.monotonic() - self._asked_s <= _IN_USE_S:
                begun_s = time.monotonic()
                await self._taken()
                took_s = time.monotonic() - begun_s
                await asyncio.sleep(max(_AGAIN_S, _SHARE * took_s) - took_s)
        except StoreError:
            pass  # whoever asks next hears it, and begins anew
        finally:
            self._keeping = None

    async def _taken(self) -> Picture:
        """Return the picture that is being taken, or else a new one."""
        if self._taking is None:
            self._heard = []
            self._taking = asyncio.ensure_future(self._take())
            self._taking.add_done_callback(self._have_taken)
        return await asyncio.shield(self._taking)

    async def _take(self) -> Picture:
        begun_s, taken_at_ms = time.monotonic(), now_ms()
        picture = Picture(taken_at_ms, *await asyncio.gather(published_streams(self._store), watching(self._store)))
        for decision, node in self._heard:
            picture.apply(decision, node)
        self._picture = picture
        self._good_until_s = begun_s + KEPT_S
        # Where taking one takes long, the loads must last until the next; they are counted on meanwhile.
        self._loads_good_until_s = begun_s + max(KEPT_S, 2 * _SHARE * (time.monotonic() - begun_s))
        return picture

    def _have_taken(self, taking: "asyncio.Future[Picture]") -> None:
        self._taking = None
        with contextlib.suppress(asyncio.CancelledError):
            taking.exception()  # whoever waited has it; nobody may have
