"""Lets the engine's merges wait for requests: their threads get less of the cores where there is not enough for all.

A merge of much that was inserted can wait a second, whoever joins a room waits for an insert of a few rows. The engine
has no setting for that, but the kernel schedules each thread by a priority of its own.
"""

import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import Final

_LOG = logging.getLogger(__name__)
_THREADS: Final = Path("/proc/self/task")
_MERGING: Final = "MergeMutate"
"""What the engine calls the threads that merge (and carry out mutations); it starts them with the first merge."""
_NICE: Final = 5
_LOOK_EVERY_S: Final = 2.0


class BackgroundThreads:
    """Looks now and then for threads that merge, in a thread of its own; without /proc it finds none."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="store-background", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while _THREADS.is_dir() and not self._stopping.wait(_LOOK_EVERY_S):
            there = {int(number) for number in os.listdir(_THREADS)}
            for number in there - self._known:
                self._settle(number)
            self._known &= there

    def _settle(self, number: int) -> None:
        """Lower the priority of a thread if it is one that merges; one that has ended meanwhile needs none."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (_THREADS / str(number) / "comm").read_text().strip() == _MERGING:
                os.setpriority(os.PRIO_PROCESS, number, _NICE)
                self._known.add(number)
