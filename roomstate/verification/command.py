"""`roomstate verify`: opens log and store, compares them, prints what was found."""

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from roomstate.connecting import connected_store
from roomstate.verification.report import meanings, table, verdict
from roomstate.verification.result import Verification
from roomstate.verification.verify import verify
from storage.belonging import require_belonging
from storage.event_log import EventLog
from storage.open_log import open_log
from storage.settings import Settings
from storage.store import Store


async def run_verify(settings: Settings) -> int:
    """Print the findings and return the exit code: 0 only if log and store are equal.

    Raises: LogMismatch, LogUnavailable, StoreUnavailable, StoreRefused.
    """
    log = open_log(settings.log_engine_url, settings.partition_count, may_make=False)
    try:
        async with await connected_store(settings, settings.store_engine_url()) as store:
            await require_belonging(store, log.log_id)
            result = await _verified(log, store)
    finally:
        log.close()
    _print(result)
    return result.exit_code


async def _verified(log: EventLog, store: Store) -> Verification:
    """Compare with a bar for each step, on a terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def show(step: str, done: int, due: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=due)
            progress.update(tasks[step], completed=done, visible=done < due)

        return await verify(log, store, show)


def _print(result: Verification) -> None:
    console = Console(soft_wrap=not sys.stdout.isatty(), highlight=False)
    console.print(verdict(result), style="bold green" if result.is_equal else "bold red")
    found = table(result)
    if found is not None:
        console.print()
        console.print(found)
        console.print()
    for line in meanings(result):
        console.print(line)
