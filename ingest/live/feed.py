"""The feed of what is going on now: made once in this process, for all who watch, and only while somebody does.

Messages, each a server-sent event with JSON: `snapshot` (everything, at first and whenever it begins anew), `update`
(what changed), `health`, and `beat` when nothing else was to be said. While the store is away there are only `health`
and `beat`, and a snapshot when it is back.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from ingest.edge import Edge
from ingest.live.following import Follower
from ingest.live.health import read_health
from ingest.live.picture import Change
from ingest.live.watchers import Watcher, Watchers, message
from storage.clock import now_ms
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
_LOOK_S: Final = 0.12
"""Between two looks at the store, or twice what a look takes if that is longer: it is never kept busy by them."""
_BEAT_S: Final = 1.0
_HEALTH_S: Final = 2.0
_CHECK_S: Final = 5.0
_AWAY_S: Final = 1.0
_LINGER_S: Final = 10.0


class LiveFeed:
    """The feed of one process; used from its event loop."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._watchers = Watchers()
        self._tasks: list[asyncio.Task[None]] = []
        self._follower: Follower | None = None
        self._health: dict[str, Any] | None = None
        self._told_s = 0.0
        self._watched_s = 0.0
        self.linger_s = _LINGER_S
        """For so long it goes on after the last watcher left: a page that is loaded again finds it running."""

    @property
    def is_running(self) -> bool:
        """Whether the store is being looked at."""
        return bool(self._tasks)

    def enter(self) -> Watcher:
        """Return a new watcher, whose messages are to be read with `messages`.

        Raises: TooManyWatchers.
        """
        watcher = self._watchers.add()
        self._start()
        watcher.begin_anew()
        return watcher

    def messages(self, watcher: Watcher) -> AsyncIterator[bytes]:
        """Return the messages for the watcher, until the feed ends."""
        return watcher.messages(self._everything)

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        self._watchers.remove(watcher)
        self._watched_s = time.monotonic()

    def end(self) -> None:
        """Let everybody go; nobody can watch any more."""
        self._watchers.close()
        self._stop()

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._watch_health())]
            for task in self._tasks:
                task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Let everybody go if it broke; who comes again starts it again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("the feed of the live page broke off", exc_info=error)
            self._stop()
            self._watchers.let_go()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks, self._follower, self._health = [], None, None

    def _is_watched(self) -> bool:
        return len(self._watchers) > 0 or time.monotonic() - self._watched_s < self.linger_s

    def _everything(self) -> bytes | None:
        """Return the whole picture as it is now, and the health."""
        health = b"" if self._health is None else message("health", self._health)
        if self._follower is None:
            return health or None
        picture = self._follower.picture
        body = {
            "at_ms": now_ms(),
            "is_whole": self._follower.is_whole,
            "counts": picture.counts(),
            "sessions": picture.stays,
        }
        return health + message("snapshot", body)

    def _tell(self, event: str, data: Any) -> None:
        self._told_s = time.monotonic()
        self._watchers.tell(message(event, data))

    async def _follow(self) -> None:
        is_away = False
        while self._is_watched():
            started_s = time.monotonic()
            try:
                await self._step()
                is_away = False
            except StoreError as error:
                if not is_away:
                    _LOG.info("the live page waits for the store: %s", error)
                    self._told_s = 0.0  # said at once: the store may be back before the next beat
                is_away = True
                self._follower = None
            took_s = time.monotonic() - started_s
            if time.monotonic() - self._told_s > _BEAT_S:
                self._tell("beat", {"at_ms": now_ms(), "is_current": not is_away})
            await asyncio.sleep(_AWAY_S if is_away else max(_LOOK_S - took_s, 2 * took_s))
        self._stop()

    async def _step(self) -> None:
        """Look once, and tell what changed."""
        if self._follower is None:
            follower = Follower(self._edge.store, self._edge.partitions)
            await follower.begin()
            self._follower = follower
            self._checked_s = time.monotonic()
            self._watchers.begin_anew()
        change = await self._follower.look()
        if change is None:
            self._watchers.begin_anew()
        elif not change.is_empty:
            self._tell("update", self._update(change))
        if time.monotonic() - self._checked_s > _CHECK_S:
            self._checked_s = time.monotonic()
            if not await self._follower.check():
                _LOG.info("the live page begins anew: the store has more than looking at it found")
                self._follower = None

    def _update(self, change: Change) -> dict[str, Any]:
        if self._follower is None:
            raise AssertionError("nothing is followed")
        return {
            "at_ms": now_ms(),
            "counts": self._follower.picture.counts(),
            "changed": change.changed,
            "gone": change.gone,
            "moves": change.moves,
            "violations": change.violations,
        }

    async def _watch_health(self) -> None:
        while True:
            self._health = await read_health(self._edge)
            self._tell("health", self._health)
            await asyncio.sleep(_HEALTH_S)
