"""What can happen to the pipeline: each fault begins, lasts, and is repaired.

The faults are the kernel's and the network's own: signals, limits, broken connections. Only the clock is ours, see
`stepped_clock`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from roomstate.chaos.broker_part import BrokerPart
from roomstate.chaos.instance import SESSION_TIMEOUT_MS, Instance
from roomstate.chaos.part import CAN_LIMIT_FILES, ChaosPart
from roomstate.chaos.store_proxy import InsertFault

_FROZEN_S: Final = (SESSION_TIMEOUT_MS / 1000 + 0.5, SESSION_TIMEOUT_MS / 1000 + 2.0)
_DOWN_S: Final = (0.0, 1.5)
_FULL_S: Final = (1.0, 2.5)
_FULL_DISK_BYTES: Final = 4096
"""Files may grow to this: none of those that matter is as small."""
_MINUTE_S: Final = 60.0
_UNANSWERED_S: Final = 32.0
"""Longer than a processor waits for the answer to an insert."""
_INSERT_WAIT_S: Final = 2.0
_CLOCK_STEPS_S: Final = (-0.5, -5.0, -90.0, -3_600.0, -90_000.0)

Act = Callable[[Instance, Random], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault."""

    name: str
    touches: frozenset[str]
    """Of two faults at once none touches what the other does."""
    act: Act
    is_long: bool = False
    """Takes about a minute; comes once in a run."""
    needs_kafka: bool | None = None
    """None = on both logs."""
    needs_limits: bool = False
    """Whether it limits the files of another process, which Linux alone can."""

    def why_not(self, *, on_kafka: bool) -> str:
        """Return why it can't be had here, or nothing."""
        if self.needs_kafka is not None and self.needs_kafka != on_kafka:
            return "needs --kafka" if self.needs_kafka else "only of the embedded log"
        return "" if CAN_LIMIT_FILES or not self.needs_limits else "this system has no prlimit"


async def _killed(part: ChaosPart | BrokerPart, random: Random) -> None:
    await part.kill()
    await asyncio.sleep(random.uniform(*_DOWN_S))
    await part.start()


async def _restarted(part: ChaosPart | BrokerPart, random: Random) -> None:
    await part.stop()
    await asyncio.sleep(random.uniform(*_DOWN_S))
    await part.start()


async def _frozen(part: ChaosPart | BrokerPart, random: Random) -> None:
    part.freeze()
    try:
        await asyncio.sleep(random.uniform(*_FROZEN_S))
    finally:
        part.thaw()


async def _kill_everything(instance: Instance, random: Random) -> None:
    await asyncio.gather(*(part.kill() for part in instance.parts))
    await asyncio.sleep(random.uniform(*_DOWN_S))
    await asyncio.gather(*(part.start() for part in instance.parts))


async def _stop_store_for_a_minute(instance: Instance, random: Random) -> None:
    await instance.store.stop()
    await asyncio.sleep(_MINUTE_S)
    await instance.store.start()


async def _fill_disk_of_log(instance: Instance, random: Random) -> None:
    await _starved([*instance.ingests, *instance.processors], random)


async def _fill_disk_of_broker(broker: BrokerPart, random: Random) -> None:
    await _starved([broker], random)
    await broker.revive()


async def _fill_disk_of_store(instance: Instance, random: Random) -> None:
    await _starved([instance.store], random)


async def _starved(parts: Sequence[ChaosPart | BrokerPart], random: Random) -> None:
    try:
        for part in parts:
            part.limit_files(_FULL_DISK_BYTES)
        await asyncio.sleep(random.uniform(*_FULL_S))
    finally:
        for part in parts:
            part.limit_files(None)


async def _step_clock(instance: Instance, random: Random) -> None:
    parts = random.choice((instance.parts, instance.ingests, [random.choice(instance.parts)]))
    offset_s = random.choice(_CLOCK_STEPS_S)
    for part in parts:
        part.clock.step_to(offset_s)
    await asyncio.sleep(random.uniform(*_FULL_S))
    for part in parts:
        part.clock.step_to(0)


async def _leave_unanswered(instance: Instance, random: Random) -> None:
    await _broken_inserts(instance, InsertFault.NO_ANSWER, 1, random.uniform(*_FULL_S))


async def _leave_unanswered_for_long(instance: Instance, random: Random) -> None:
    await _broken_inserts(instance, InsertFault.NO_ANSWER, 1, _UNANSWERED_S)


def _cut(fault: InsertFault) -> Act:
    async def act(instance: Instance, random: Random) -> None:
        await _broken_inserts(instance, fault, random.randint(1, 3), 0.0)

    return act


async def _broken_inserts(instance: Instance, fault: InsertFault, times: int, hold_s: float) -> None:
    proxy = instance.proxy
    due = proxy.faults_done + times
    proxy.break_next(fault, times)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_INSERT_WAIT_S):
                while proxy.faults_done < due:
                    await asyncio.sleep(0.02)
        await asyncio.sleep(hold_s)
    finally:
        proxy.release()


def _of_store(deed: Callable[[ChaosPart, Random], Awaitable[None]]) -> Act:
    return lambda instance, random: deed(instance.store, random)


def _of_ingest(deed: Callable[[ChaosPart, Random], Awaitable[None]]) -> Act:
    return lambda instance, random: deed(random.choice(instance.ingests), random)


def _of_processor(deed: Callable[[ChaosPart, Random], Awaitable[None]]) -> Act:
    return lambda instance, random: deed(random.choice(instance.processors), random)


def _of_broker(deed: Callable[[BrokerPart, Random], Awaitable[None]]) -> Act:
    async def act(instance: Instance, random: Random) -> None:
        if instance.broker is not None:
            await deed(instance.broker, random)

    return act


def _catalogue() -> Iterator[Fault]:
    everything = frozenset({"store", "ingest", "processor", "disk"})
    for name, of_part in (("store", _of_store), ("ingest", _of_ingest), ("processor", _of_processor)):
        touches = frozenset({name, "disk"} if name != "store" else {name})
        yield Fault(f"kill {name}", touches, of_part(_killed))
        yield Fault(f"freeze {name}", touches, of_part(_frozen))
        yield Fault(f"restart {name}", touches, of_part(_restarted))
    for deed_name, deed in (("kill", _killed), ("freeze", _frozen), ("restart", _restarted)):
        yield Fault(f"{deed_name} broker", frozenset({"broker"}), _of_broker(deed), needs_kafka=True)
    yield Fault("kill everything", everything, _kill_everything)
    yield Fault("log disk full", frozenset({"disk"}), _fill_disk_of_log, needs_kafka=False, needs_limits=True)
    filled = _of_broker(_fill_disk_of_broker)
    yield Fault("broker disk full", frozenset({"broker"}), filled, needs_kafka=True, needs_limits=True)
    yield Fault("store disk full", frozenset({"store"}), _fill_disk_of_store, needs_limits=True)
    yield Fault("clock back", frozenset({"clock"}), _step_clock)
    yield Fault("insert cut before", frozenset({"inserts"}), _cut(InsertFault.CUT_BEFORE))
    yield Fault("insert cut within", frozenset({"inserts"}), _cut(InsertFault.CUT_WITHIN))
    yield Fault("insert cut after", frozenset({"inserts"}), _cut(InsertFault.CUT_AFTER))
    yield Fault("insert unanswered", frozenset({"inserts"}), _leave_unanswered)
    yield Fault("store away 60 s", frozenset({"store"}), _stop_store_for_a_minute, is_long=True)
    yield Fault("insert unanswered 32 s", frozenset({"inserts"}), _leave_unanswered_for_long, is_long=True)


FAULTS: Final = tuple(_catalogue())
