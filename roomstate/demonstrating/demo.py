"""Runs the demo: a pipeline on a folder of its own, recorded calls and a simulated evening through it, the report.

The evening is short, not compressed: people talk for seconds instead of minutes, but everything that is measured (how
long media takes to come up, how fresh the store is) is as long as it was.
"""

import asyncio
import logging
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from roomstate.addresses import reading_store_url
from roomstate.demonstrating.report import (
    QUESTIONS,
    QUESTIONS_MIDWAY,
    Answer,
    asked,
    print_plain_sql,
    print_tables,
)
from roomstate.ports import free_port
from roomstate.refusals import CommandRefused
from roomstate.replaying.recordings import read_recordings
from roomstate.replaying.replay import ReplayResult, replay
from roomstate.running.pipeline import Pipeline
from roomstate.showing import Steps
from roomstate.simulation.call import CallShape
from roomstate.simulation.plan import Traffic, planned_scenes
from roomstate.simulation.play import Target, play
from roomstate.simulation.played import Played
from storage.accounting import Accounting, read_accounting
from storage.clock import now_ms
from storage.open_log import open_log
from storage.settings import Settings, load_settings
from storage.store import Store

EVENING: Final = Traffic(
    "evening-10", 70, 500, CallShape(talk_s=3.0, misbehaving=0.12, lease_ms=5_000), hour=20, playback=0.5, streams=0.1
)
_LEASE_S: Final = 15
"""Of everybody in the demo's pipeline, so that who left without a word is found out while it runs."""
_REPLAY_SPEED: Final = 2.5
_MIDWAY_S: Final = 9.0
_ROWS_MIDWAY: Final = 5
_STEP_S: Final = 86_400
"""Of what is counted by the time, so that it is one row."""
_DECISION_TIMEOUT_MS: Final = 15_000
"""Long: the demo runs on whatever machine there is, and recorded clients do not ask twice."""
_SETTLED_S: Final = 30.0
_POLL_S: Final = 0.1
_ROWS_MAX: Final = 10
"""Of a question that has a limit."""


def run_demo() -> int:
    """Run the demo and return its exit code: 0 only if everything accepted is stored and every reply is as recorded."""
    for name in [name for name in os.environ if name.startswith("ROOMSTATE_")]:
        del os.environ[name]  # the demo is its own: nothing that was set for another pipeline reaches it
    with tempfile.TemporaryDirectory(prefix="roomstate-demo-") as folder:
        return asyncio.run(_Demo(Path(folder)).run())


class _Demo:
    """One run."""

    def __init__(self, folder: Path) -> None:
        self._settings = _settings(folder)
        self._pipeline = Pipeline(self._settings, working_dir=folder)
        self._console = Console(width=None if Console().is_terminal else 120)
        self._since_ms = now_ms()
        self._began = time.monotonic()
        self._midway: list[Answer] = []

    async def run(self) -> int:
        """Start, play, wait, report, stop."""
        try:
            with Steps() as steps:
                steps.begin("starting the pipeline")
                await self._pipeline.start()
                replayed, played = await self._play(steps)
                steps.begin("waiting until everything accepted is stored and nobody is in a room any more")
                account = await self._settled()
            await self._report(replayed, played, account)
        finally:
            logging.disable(logging.INFO)
            await self._pipeline.stop()
        return 0 if _is_well(replayed, played, account) else 1

    async def _play(self, steps: Steps) -> tuple[ReplayResult, Played]:
        recordings = read_recordings()
        played = Played()
        target = Target(self._pipeline.api_url, self._settings.bearer_token())
        scenes = list(planned_scenes(EVENING, "evening"))
        count = steps.begin("recorded requests", sum(len(recording.steps) for recording in recordings))
        replaying = replay(recordings, target.url, speed=_REPLAY_SPEED, concurrency=len(recordings), progress=count)
        evening = play(scenes, target, played, steps.begin("simulated calls", EVENING.calls))
        async with asyncio.TaskGroup() as group:
            replayed = group.create_task(replaying)
            group.create_task(evening)
            group.create_task(self._look())
        return replayed.result(), played

    async def _look(self) -> None:
        """Ask who is there, in the middle of the evening."""
        await asyncio.sleep(_MIDWAY_S)
        async with await Store.connect(reading_store_url(self._settings)) as store:
            self._midway = await asked(store, QUESTIONS_MIDWAY, {"limit": _ROWS_MIDWAY})

    async def _settled(self) -> Accounting:
        """Return the account once nothing is pending and nobody is live.

        Raises: CommandRefused if that does not come.
        """
        settings = self._settings
        log = open_log(settings.log_engine_url, settings.partition_count)
        try:
            async with asyncio.timeout(_SETTLED_S), await Store.connect(settings.store_engine_url()) as store:
                while True:
                    account = await read_accounting(store, log)
                    ((live,),) = await store.rows("SELECT count() FROM sessions WHERE closed_at IS NULL")
                    if not account.pending and not live:
                        return account
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise CommandRefused(f"not everything was stored and closed within {_SETTLED_S:.0f} s") from None
        finally:
            log.close()

    async def _report(self, replayed: ReplayResult, played: Played, account: Accounting) -> None:
        console = self._console
        parameters = {
            "from": _time_text(self._since_ms),
            "to": _time_text(now_ms() + 1000),
            "step_s": _STEP_S,
            "limit": _ROWS_MAX,
        }
        console.rule("What was sent")
        console.print("\n".join((*replayed.lines(), *played.lines())), highlight=False)
        console.rule("Who was there in the middle of the evening")
        print_tables(console, self._midway)
        console.rule("What an analyst would ask first")
        async with await Store.connect(reading_store_url(self._settings)) as store:
            print_tables(console, await asked(store, QUESTIONS, parameters))
        console.rule("The same by plain SQL over HTTP, as the user analyst")
        await print_plain_sql(console, f"http://127.0.0.1:{self._settings.store_port}", parameters)
        console.rule("The account")
        balance = "balanced" if account.balanced else "NOT BALANCED"
        console.print(
            f"{account.accepted} inputs accepted = {account.stored} stored + {account.dead_lettered} dead-lettered"
            f" + {account.pending} pending: {balance}. All of it took {time.monotonic() - self._began:.0f} s.",
            highlight=False,
        )


def _settings(folder: Path) -> Settings:
    return load_settings(
        _env_file=None,
        data_dir=folder,
        port=free_port(),
        store_port=free_port(),
        participant_ttl_s=_LEASE_S,
        decision_timeout_ms=_DECISION_TIMEOUT_MS,
    )


def _is_well(replayed: ReplayResult, played: Played, account: Accounting) -> bool:
    was_answered = not (replayed.real_differences or played.refused or played.given_up)
    return was_answered and account.balanced and not account.pending


def _time_text(time_ms: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
