"""A processor: opens the log and the store, runs the Faust app and the drain, and stops cleanly on SIGTERM.

Safe to kill at any point (processors/drain.py says why). On SIGTERM or SIGINT it takes no more frames, stores what it
has, gives the log back and returns.
"""

import asyncio
import contextlib
import gc
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from os import getpid
from pathlib import Path
from typing import Any

from processors.app import ProcessorApp, keep_seeking, make_app, quieten_faust
from processors.assigned import Assigned
from processors.drain import Drain
from processors.effects import FIRST_PAUSE_S, LOGGER, LONGEST_PAUSE_S, Effects, Patience
from processors.expiry import Expiry
from processors.holding import tell_when_holding
from processors.housekeeping import Housekeeping
from processors.intake import Intake
from processors.judging import Judging
from processors.metrics import ProcessorMetrics
from processors.operation import told_on
from processors.stored_counts import make_ready
from processors.takeover import Takeover
from state_machine.room import Rules
from storage.belonging import NOT_MIGRATED_CODES, require_belonging
from storage.event_log import EventLog, LogMismatch, LogUnavailable
from storage.open_log import open_log
from storage.settings import Settings
from storage.store import Store, StoreRefused, StoreUnavailable

STOP_TIMEOUT_S = 20.0
"""For so long a worker that was told to stop tries to store what it has; the log has it anyway."""


def run_processor(settings: Settings, on_holding: Callable[[], None] = lambda: None) -> None:
    """Process until SIGTERM or SIGINT; `on_holding` is called once the first partitions are taken over.

    Raises: LogMismatch, LogUnavailable, StoreRefused, SettingsError if the settings do not fit what is there.
    """
    quieten_faust()
    calm_collector()
    asyncio.run(_run(settings, on_holding))


def calm_collector() -> None:
    """Let the collector of cycles look seldom.

    A block keeps tens of thousands of new objects alive for a moment and makes no cycles; with Python's own thresholds
    the collector takes a third of the time looking at them.
    """
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def rules_of(settings: Settings) -> Rules:
    """Return the settings that decisions depend on."""
    return Rules(
        call_lease_ms=settings.participant_ttl_s * 1000,
        account_lease_ms=settings.playback_ttl_s * 1000,
        stream_lease_ms=settings.stream_ttl_s * 1000,
        playback_limit=settings.playback_limit,
    )


async def _run(settings: Settings, on_holding: Callable[[], None]) -> None:
    log = await asyncio.to_thread(open_log, settings.log_engine_url, settings.partition_count)
    stopping = asyncio.Event()
    with contextlib.closing(log), _signals_set(stopping):
        store = await _ready_store(settings, log, stopping)
        if store is not None:
            async with store:
                await _process(settings, log, store, stopping, on_holding)


class WorkerFailed(Exception):
    """A part of the worker ended by itself; the text says which, the cause why."""


async def _process(
    settings: Settings, log: EventLog, store: Store, stopping: asyncio.Event, on_holding: Callable[[], None]
) -> None:
    owner = f"{socket.gethostname()}:{getpid()}:{secrets.token_hex(4)}"
    rules = rules_of(settings)
    metrics = ProcessorMetrics()
    await asyncio.to_thread(make_ready)
    patience = Patience(metrics)
    intake = Intake()
    takeover = Takeover(store, log, rules, owner, patience)
    judging = Judging(intake, log.partitions, rules, takeover.fetch_rooms)
    assigned = Assigned(intake, judging, takeover, patience, metrics)
    _watch(metrics, judging, assigned)
    drain = Drain(intake, judging, Effects(store, log, patience, metrics), assigned)
    async with _folder() as faust_dir, told_on(settings.processor_port, metrics):
        app = make_app(settings.log_engine_url, log, faust_dir, drain)
        assigned.reader = app.reader
        tasks = {
            asyncio.create_task(work, name=name)
            for name, work in (
                ("drain", drain.run()),
                ("holding", tell_when_holding(drain, on_holding)),
                ("seeking", keep_seeking(app, judging)),
                ("expiry", Expiry(judging.held, log).run()),
                ("housekeeping", Housekeeping(judging.held, log, store, owner).run()),
                ("Faust", _faust(app)),
                ("membership", app.reader.failed()),
            )
        }
        told = asyncio.create_task(stopping.wait(), name="signal")
        try:
            ended, _ = await asyncio.wait({*tasks, told}, return_when=asyncio.FIRST_COMPLETED)
            _raise_what_failed(ended - {told})
            await _finish(drain)
        finally:
            await _cancel({*tasks, told})
            await app.stop()


def _watch(metrics: ProcessorMetrics, judging: Judging, assigned: Assigned) -> None:
    held = judging.held
    metrics.watch(
        lambda: len(held),
        lambda: len(assigned.standing),
        lambda: sum(len(partition.rooms.by_key) for partition in held.values()),
        lambda room_kind: sum(partition.live[room_kind] for partition in held.values()),
    )


@contextlib.asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="roomstate-faust-") as path:
        yield Path(path)


async def _faust(app: ProcessorApp) -> None:
    """Run the app; ends by itself only if it crashed."""
    await app.start()
    await app.wait_until_stopped()
    if app.crash_reason is not None:
        raise app.crash_reason


async def _finish(drain: Drain) -> None:
    """Store what was taken, as far as that is possible in time."""
    drain.stop()
    try:
        await asyncio.wait_for(drain.finished.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        LOGGER.warning("stopping with frames that are not stored yet; they are in the log")


def _raise_what_failed(ended: set[asyncio.Task[Any]]) -> None:
    for task in ended:
        cause = task.exception()
        if isinstance(cause, LogMismatch | LogUnavailable | StoreRefused):
            raise cause
        LOGGER.error("%s ended by itself", task.get_name(), exc_info=cause)
        raise WorkerFailed(f"{task.get_name()} ended by itself: {cause!r}") from cause


async def _cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _ready_store(settings: Settings, log: EventLog, stopping: asyncio.Event) -> Store | None:
    """Return the store as soon as it answers and has its schema, or None if told to stop before.

    Raises: LogMismatch if it belongs to another log; StoreRefused if its schema is newer or it does not let us write.
    """
    pause_s = FIRST_PAUSE_S
    while not stopping.is_set():
        try:
            return await _checked_store(settings, log)
        except StoreUnavailable as error:
            why: Exception = error
        except StoreRefused as error:
            if error.code not in NOT_MIGRATED_CODES:
                raise
            why = error
        LOGGER.warning("waiting for the store (%s); trying again in %.1f s", why, pause_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    return None


async def _checked_store(settings: Settings, log: EventLog) -> Store:
    store = await Store.connect(settings.store_engine_url())
    try:
        await require_belonging(store, log.log_id, is_writer=True)
    except BaseException:
        await store.close()
        raise
    return store


@contextlib.contextmanager
def _signals_set(stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
