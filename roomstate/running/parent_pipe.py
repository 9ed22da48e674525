"""A child process ends when its parent does, however the parent ended.

The parent holds the writing end of the child's stdin and never writes. When the parent is gone, even by kill -9, the
kernel closes that end and the child reads the end of the file. Every part may be killed at any moment by design, so
the child does not clean up; the next start finds everything that was promised.
"""

import os
import signal
import threading
from typing import Final

VARIABLE: Final = "ROOMSTATE_ENDS_WITH_STDIN"
"""Set in the environment of a child whose stdin is such a pipe."""


def end_with_parent() -> None:
    """Arrange that this process ends with its parent, if the parent asked for that."""
    if os.environ.pop(VARIABLE, ""):
        threading.Thread(target=_end_at_end_of_file, name="parent-pipe", daemon=True).start()


def _end_at_end_of_file() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
