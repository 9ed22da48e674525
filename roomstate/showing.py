"""Progress on a terminal; nothing where there is none."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """What is being done, one line each, and how far it is."""

    def __init__(self) -> None:
        console = Console(file=sys.stderr)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def begin(self, what: str, due: int | None = None) -> Callable[[], None]:
        """Show one more line; call what is returned once for each of `due` (None: unknown) that is done."""
        task = self._progress.add_task(what, total=due)
        return lambda: self._progress.advance(task)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
