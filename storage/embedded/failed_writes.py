"""Ends the store before anything is answered that rests on a write which failed.

The engine in this process does not tell when a write to a file fails: it counts the failure, goes on, answers ok and
keeps the file cut short (chdb-core, `WriteBufferFromFileDescriptor::nextImpl`; a full disk is found beforehand in most
cases, but a write fails all the same where somebody else fills the disk meanwhile, at a quota, or when the device
fails). So the count is looked at after each writing statement, before it is answered, and twice a second for the sake
of merges. At the first failure the process ends at once. The next start sets aside the parts that were cut short
(`cut_parts`) and goes on with what they replaced, which stays on disk for a minute (migration 0004).
"""

import logging
import os
import threading
from typing import Final

from storage.embedded.engine import Engine, Surroundings
from storage.embedded.engine_errors import EngineError

_LOG = logging.getLogger(__name__)
_COUNT_SQL: Final = "SELECT sum(value) FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
_LOOK_EVERY_S: Final = 0.5
EXIT_CODE: Final = 74
"""sysexits.h: EX_IOERR."""


class FailedWrites:
    """Watches the engine's count from construction on, in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="store-failed-writes", daemon=True)
        self._thread.start()

    def end_if_any(self) -> None:
        """Return if no write has failed so far; else the process ends here.

        Raises: EngineError if that can't be told.
        """
        with self._engine.session(Surroundings()) as session:
            failed = int(session.run(_COUNT_SQL).body)
        if failed:
            _LOG.critical(
                "store: a write to a file failed and the engine went on; ending at once, so that nothing is believed"
                " that is not on disk. Look at the disk's space, quota and health; the next start sorts it out"
            )
            os._exit(EXIT_CODE)

    def stop(self) -> None:
        """Stop watching."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            try:
                self.end_if_any()
            except EngineError as error:
                _LOG.warning("store: cannot look for failed writes now: %s", error.detail)
