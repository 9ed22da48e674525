"""Threads for the engine's blocking calls: lanes apart, so that heavy reads never keep an insert waiting.

A lane is a number of threads and a bounded queue; past it a statement is refused at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from storage.embedded.engine_errors import TOO_MANY_QUERIES, EngineError

_Result = TypeVar("_Result")
_WAITING_MAX: Final = 100


class Lane:
    """A number of statements that run side by side; more of them wait."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=f"store-{name}")
        self._most = threads + _WAITING_MAX
        self._held = 0

    def start(self, call: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        """Run a blocking call in the lane.

        Raises: EngineError if too many wait already.
        """
        if self._held >= self._most:
            raise EngineError(TOO_MANY_QUERIES, f"Too many simultaneous queries. Maximum: {self._most}")
        self._held += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        future.add_done_callback(self._done)
        return future

    def held(self) -> int:
        """Return how many statements run or wait."""
        return self._held

    def close(self) -> None:
        """Take nothing more; what runs goes on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Return when nothing runs any more."""
        self._threads.shutdown(wait=True)

    def _done(self, future: "asyncio.Future[_Result]") -> None:
        self._held -= 1
        if not future.cancelled():
            future.exception()  # looked at here, so that an error nobody waits for any more makes no noise


@dataclass(frozen=True)
class Lanes:
    """Writes, the writing user's reads, analysts' reads, and the door's own short statements."""

    writes: Lane
    reads: Lane
    analysts: Lane
    own: Lane

    def close(self) -> None:
        """Close every lane."""
        for lane in self.all:
            lane.close()

    def join(self) -> None:
        """Return when nothing runs in any lane."""
        for lane in self.all:
            lane.join()

    @property
    def all(self) -> tuple[Lane, ...]:
        """Every lane."""
        return self.writes, self.reads, self.analysts, self.own


def make_lanes(analysts: int) -> Lanes:
    """Return the lanes; `analysts` statements of analysts run side by side."""
    return Lanes(Lane("write", 4), Lane("read", 8), Lane("analyst", analysts), Lane("own", 2))
