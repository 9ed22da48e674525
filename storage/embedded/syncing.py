"""Puts on disk what a writing statement wrote, all at once, before the statement is answered.

The engine can sync a part's files itself, one after the other; it leaves out those of the part's projections (50 of
63), and a part with a projection cut short is none. So the whole file system is synced instead, in one go: that takes
less time and leaves nothing out. Merges come without a statement, some long after the last one (a day that is over is
packed closer): for their sake it is synced every few seconds, well within the minute for which what they replaced stays
on disk (migration 0004).
"""

import ctypes
import logging
import os
import threading
from pathlib import Path
from typing import Final

from storage.embedded.failed_writes import EXIT_CODE

_LOG = logging.getLogger(__name__)
_EVERY_S: Final = 10.0


class Syncing:
    """Syncs the file system of a folder; in a thread of its own for what merges write."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="store-syncing", daemon=True)
        self._thread.start()

    def sync(self) -> None:
        """Return when everything written so far is on disk; if that fails the process ends here."""
        if self._syncfs is None:
            os.sync()
        elif self._syncfs(self._folder) != 0:
            reason = os.strerror(ctypes.get_errno())
            _LOG.critical(
                "store: cannot put what was written on disk (%s); ending, so that nothing is believed", reason
            )
            os._exit(EXIT_CODE)

    def stop(self) -> None:
        """Sync once more, and no more after that."""
        self._stopping.set()
        self._thread.join()
        self.sync()
        os.close(self._folder)

    def _watch(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self.sync()
