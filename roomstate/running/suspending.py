"""Suspending a process for sure: a signal to stop is only asked for when `kill` returns."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.005


def suspend(process_id: int) -> None:
    """Suspend the process and return once all its threads stand still, or it has ended."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(process_id, signal.SIGSTOP)
        while any(_state(task) not in "TXZ" for task in Path(f"/proc/{process_id}/task").iterdir()):
            time.sleep(_POLL_S)


def _state(task: Path) -> str:
    """Return the letter of a thread's state, "X" of one that has ended; its name before it may hold anything."""
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
