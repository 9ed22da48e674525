"""Telling that a worker is at work: when it has taken its first partitions over, or that it stands by meanwhile."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from processors.drain import Drain
from processors.effects import LOGGER

_LOOK_S: Final = 0.02
_STANDBY_AFTER_S: Final = 2.0
"""Taking over takes less than that; a worker without partitions after it stands by."""


async def tell_when_holding(drain: Drain, tell: Callable[[], None]) -> None:
    """Call `tell` once the drain holds partitions; goes on until cancelled, as the other tasks of a worker do."""
    standby_at_s = time.monotonic() + _STANDBY_AFTER_S
    while not drain.held:
        await asyncio.sleep(_LOOK_S)
        if time.monotonic() > standby_at_s:
            LOGGER.info("standing by until partitions are free")
            standby_at_s = float("inf")
    LOGGER.info("works on %d partitions", len(drain.held))
    tell()
    await asyncio.Event().wait()
