"""A real worker in a process of its own, as a test starts it; told to, it kills itself at a given effect.

Usage: python -m tests.processors.worker_process '<JSON>' with members data_dir, log_url, store_url, partitions and
perhaps crash = [effect, "before" or "after", at which call], freeze = a file (as soon as it is there, the process
stops itself right before its next insert), slow_insert_s, lose_frame (the how manyeth), store_timeout_s,
leave_ended_leases and settings = {…}.
"""

import asyncio
import functools
import itertools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from processors.drain import Drain
from processors.effects import Effects
from processors.expiry import Expiry
from processors.taken import Taken
from processors.worker import run_processor
from storage.settings import load_settings
from storage.store import Store


def main() -> None:
    order = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if timeout_s := order.pop("store_timeout_s", None):
        be_impatient(timeout_s)
    if at_frame := order.pop("lose_frame", 0):
        lose_frame(at_frame)
    if crash := order.pop("crash", None):
        arrange_crash(*crash)
    if freeze := order.pop("freeze", None):
        arrange_freeze(Path(freeze))
    if slow_insert_s := order.pop("slow_insert_s", 0.0):
        slow_down_inserts(slow_insert_s)
    if order.pop("leave_ended_leases", False):
        leave_ended_leases()
    run_processor(load_settings(**order.pop("settings", {}), **order))


def leave_ended_leases() -> None:
    """Ask nobody to close what has ended, so that the log stays as the test wrote it."""

    async def look(_expiry: Expiry, _now: int) -> int:
        return 0

    Expiry.look = look  # type: ignore[method-assign,assignment]


def be_impatient(timeout_s: float) -> None:
    """Make queries and inserts time out sooner than a worker's normally do."""
    connect = Store.connect
    Store.connect = functools.partial(connect, timeout_s=timeout_s)  # type: ignore[method-assign]


def lose_frame(at_frame: int) -> None:
    """Make one frame disappear between Faust and the drain."""
    offer = Drain.offer
    frames = itertools.count(1)

    async def losing(drain: Drain, run: Sequence[Taken]) -> None:
        await offer(drain, [frame for frame in run if next(frames) != at_frame])

    Drain.offer = losing  # type: ignore[method-assign,assignment]


def slow_down_inserts(by_s: float) -> None:
    """Make every insert take longer."""
    insert = Effects.insert

    async def slow(effects: Effects, rows: Any) -> None:
        await asyncio.sleep(by_s)
        await insert(effects, rows)

    Effects.insert = slow  # type: ignore[method-assign,assignment]


def arrange_freeze(wanted: Path) -> None:
    """Make the process stop itself before an insert, once, when the file is there."""
    insert = Effects.insert

    async def freezing(effects: Effects, rows: Any) -> None:
        if wanted.exists():
            wanted.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        await insert(effects, rows)

    Effects.insert = freezing  # type: ignore[method-assign,assignment]


def arrange_crash(effect: str, when: str, at_call: int) -> None:
    """Make the process kill itself right before or after the given call of an effect."""
    original: Callable[..., Any] = getattr(Effects, effect)
    calls = 0

    def is_due() -> bool:
        nonlocal calls
        calls += 1
        return calls == at_call

    @functools.wraps(original)
    async def crashing(*arguments: Any) -> Any:
        due = is_due()
        if due and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*arguments)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    @functools.wraps(original)
    def crashing_at_once(*arguments: Any) -> Any:
        due = is_due()
        if due and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(Effects, effect, crashing_at_once if effect == "ack" else crashing)


if __name__ == "__main__":
    main()
