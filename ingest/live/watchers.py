"""Those who watch the feed: each gets every message in order, or, if it reads too slowly, the whole picture again.

What waits for one watcher is bounded; messages are encoded once and shared by all.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec

_WAITING_BYTES_MAX: Final = 1 << 20
_WATCHERS_MAX: Final = 500

_ENCODER: Final = msgspec.json.Encoder()


class TooManyWatchers(Exception):
    """No more can watch through this process."""


def message(event: str, data: Any) -> bytes:
    """Return a server-sent event."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), _ENCODER.encode(data))


class Watcher:
    """One of them."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self.waiting_bytes = 0
        """Of messages that it has not taken yet."""
        self._news = asyncio.Event()
        self._is_over = False
        self.needs_all = True
        """Whether it is to be sent the whole picture before anything else."""

    def tell(self, data: bytes) -> None:
        """Let it have a message."""
        if self.needs_all and self.waiting_bytes == 0:
            self._news.set()
            return
        self._waiting.append(data)
        self.waiting_bytes += len(data)
        if self.waiting_bytes > _WAITING_BYTES_MAX:
            self.begin_anew()
        self._news.set()

    def begin_anew(self) -> None:
        """Forget what waits: the whole picture says it too."""
        self._waiting, self.waiting_bytes = [], 0
        self.needs_all = True
        self._news.set()

    def end(self) -> None:
        """Let it go."""
        self._is_over = True
        self._news.set()

    async def messages(self, everything: Callable[[], bytes | None]) -> AsyncIterator[bytes]:
        """Yield what there is to send, until the end.

        Shape: `everything` gives the whole picture as a message, or None while there is none.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            if self._is_over:
                return
            if self.needs_all:
                data = everything()
                self.needs_all = data is None
                yield data or b": nothing yet\n\n"
            elif self._waiting:
                data = b"".join(self._waiting)
                self._waiting, self.waiting_bytes = [], 0
                yield data


class Watchers:
    """All of one process."""

    def __init__(self) -> None:
        self._all: set[Watcher] = set()
        self._is_over = False

    def __len__(self) -> int:
        return len(self._all)

    def add(self) -> Watcher:
        """Return a new one.

        Raises: TooManyWatchers.
        """
        if len(self._all) >= _WATCHERS_MAX or self._is_over:
            raise TooManyWatchers
        watcher = Watcher()
        self._all.add(watcher)
        return watcher

    def remove(self, watcher: Watcher) -> None:
        """Forget one."""
        self._all.discard(watcher)

    def tell(self, data: bytes) -> None:
        """Let all have a message."""
        for watcher in self._all:
            watcher.tell(data)

    def begin_anew(self) -> None:
        """Let all have the whole picture again."""
        for watcher in self._all:
            watcher.begin_anew()

    def let_go(self) -> None:
        """End all; they may come again."""
        for watcher in self._all:
            watcher.end()

    def close(self) -> None:
        """End all, and take no more."""
        self._is_over = True
        self.let_go()
