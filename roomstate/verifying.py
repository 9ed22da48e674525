"""`roomstate verify`: opens log and store, compares them, prints what was found."""

import sys

from rich.console import Console
from rich.progress import Progress, TaskID

from roomstate.connecting import connected_store
from roomstate.refusals import CommandRefused
from roomstate.verify import verify
from storage.open_log import open_log
from storage.settings import Settings


async def run_verify(settings: Settings) -> int:
    """Print the findings and return the exit code: 0 only if log and store are equal.

    Raises: LogMismatch, LogUnavailable, StoreUnavailable, StoreRefused; CommandRefused if there is no log.
    """
    if (
        settings.is_log_embedded
        and not settings.log_url.get_secret_value()
        and not (settings.data_dir / "log.db").exists()
    ):
        raise CommandRefused(f"there is no log in {settings.data_dir.absolute()}; name its folder with --data-dir")
    log = open_log(settings.log_engine_url, settings.partition_count)
    tasks: dict[int, TaskID] = {}
    try:
        async with await connected_store(settings, settings.store_engine_url()) as store:
            console = Console(file=sys.stderr)
            with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

                def show(partition: int, done: int, due: int) -> None:
                    if partition not in tasks:
                        tasks[partition] = progress.add_task(f"partition {partition}", total=due)
                    progress.update(tasks[partition], completed=done)

                result = await verify(log, store, show)
    finally:
        log.close()
    for line in result.lines():
        sys.stdout.write(f"{line}\n")
    return result.exit_code
