"""Runs the experiment: an instance of its own, round after round, until all are played or something is wrong."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from roomstate.chaos.drawing import drawn_faults
from roomstate.chaos.faults import FAULTS, Fault
from roomstate.chaos.instance import Instance
from roomstate.chaos.load import Load
from roomstate.chaos.report import Report
from roomstate.chaos.round import Rounds
from roomstate.chaos.witness import Witness

_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted."""

    seed: str
    rounds: int
    on_kafka: bool
    faults: tuple[str, ...] = ()
    """Names of the only ones to draw from; empty = all."""
    as_json: bool = False


def possible_faults(plan: Plan) -> tuple[list[Fault], dict[str, str]]:
    """Return the faults to draw from, and why each of the others is left out."""
    named = [fault for fault in FAULTS if not plan.faults or fault.name in plan.faults]
    reasons = {fault.name: fault.why_not(on_kafka=plan.on_kafka) for fault in named}
    possible = [fault for fault in named if not reasons[fault.name]]
    return possible, {name: why for name, why in reasons.items() if why}


def run_chaos(plan: Plan) -> int:
    """Play the rounds; return 0 only if every promise was kept.

    Raises: CommandRefused, BrokerMissing if the instance can't be started.
    """
    for name in [name for name in os.environ if name.startswith("ROOMSTATE_")]:
        del os.environ[name]  # nothing that was set for another pipeline reaches this one
    return asyncio.run(_Run(plan).run())


class _Run:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._report = Report(as_json=plan.as_json)
        self._folder = Path(tempfile.mkdtemp(prefix="roomstate-chaos-"))
        self._is_well = True

    async def run(self) -> int:
        """Play, and keep the folder only if something is wrong."""
        playing = asyncio.create_task(self._play())
        is_kept = True
        try:
            with _ended_by_signals(playing):
                await asyncio.wait({playing})
            is_kept = not self._is_well
            if playing.cancelled():
                return _INTERRUPTED
            playing.result()
            return 0 if self._is_well else 1
        finally:
            if playing.done() and not playing.cancelled() and playing.exception() is not None:
                is_kept = True
            self._report.end(str(self._folder) if is_kept else "")
            if not is_kept:
                shutil.rmtree(self._folder, ignore_errors=True)

    async def _play(self) -> None:
        plan = self._plan
        faults, left_out = possible_faults(plan)
        instance = Instance(self._folder, on_kafka=plan.on_kafka)
        async with instance.running():
            self._report.begin(self._facts(instance), left_out)
            witness = Witness(self._folder / "posts.jsonl")
            load = Load(instance, witness, plan.seed)
            rounds = Rounds(instance, load, witness)
            try:
                for number, drawn in enumerate(drawn_faults(plan.seed, plan.rounds, faults), 1):
                    result = await rounds.play(number, drawn, Random(f"{plan.seed}/{number}"))
                    self._is_well = result.is_well
                    self._report.add(result)
                    if not self._is_well:
                        return
            finally:
                await load.close()

    def _facts(self, instance: Instance) -> dict[str, str | int]:
        return {
            "seed": self._plan.seed,
            "rounds": self._plan.rounds,
            "log": "Kafka" if self._plan.on_kafka else "SQLite",
            "folder": str(self._folder),
            "store": f"http://127.0.0.1:{instance.settings.store_port}",
        }


@contextlib.contextmanager
def _ended_by_signals(playing: "asyncio.Task[None]") -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, playing.cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
