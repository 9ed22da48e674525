"""Answers by name that are kept for a moment, or until somebody says that they have changed.

Questions that come while the same one is under way share its answer; a failure is told to them and not kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, NamedTuple, TypeVar

KEPT_S: Final = 1.0
_NAMES_MAX: Final = 20_000

_Answer = TypeVar("_Answer")


class _Kept(NamedTuple, Generic[_Answer]):
    asked_s: float
    answer: "asyncio.Future[_Answer]"


class Remembered(Generic[_Answer]):
    """Asks, and remembers for `KEPT_S` what was answered."""

    def __init__(self, ask: Callable[[str], Awaitable[_Answer]]) -> None:
        self._ask = ask
        self._kept: dict[str, _Kept[_Answer]] = {}

    async def of(self, name: str) -> _Answer:
        """Return the answer.

        Raises: whatever the question raises.
        """
        kept = self._kept.get(name)
        if kept is None or time.monotonic() - kept.asked_s > KEPT_S:
            if len(self._kept) >= _NAMES_MAX:
                self._kept.clear()
            answer = asyncio.ensure_future(self._ask(name))
            answer.add_done_callback(lambda done: self._drop_failed(name, done))
            kept = self._kept[name] = _Kept(time.monotonic(), answer)
        return await asyncio.shield(kept.answer)

    def forget(self, name: str) -> None:
        """Ask anew next time."""
        self._kept.pop(name, None)

    def _drop_failed(self, name: str, answer: "asyncio.Future[_Answer]") -> None:
        if answer.cancelled() or answer.exception() is not None:
            kept = self._kept.get(name)
            if kept is not None and kept.answer is answer:
                del self._kept[name]
