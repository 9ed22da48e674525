"""A child process ends when its parent does, however the parent ended.

The parent holds the writing end of the child's stdin and never writes. When the parent is gone, even by kill -9, the
kernel closes that end and the child reads the end of the file. Every part may be killed at any moment by design, so
the child does not clean up, but for a temporary folder that its parent can't remove any more; the next start finds
everything that was promised.
"""

import os
import shutil
import signal
import threading
from typing import Final

VARIABLE: Final = "ROOMSTATE_ENDS_WITH_STDIN"
"""Set in the environment of a child whose stdin is such a pipe."""

_LEFT_BEHIND: Final[list[str]] = []


def remove_with_parent(folder: str) -> None:
    """Have this process remove a temporary folder of its parent's should the parent not live to do it."""
    _LEFT_BEHIND.append(folder)


def end_with_parent() -> bool:
    """Arrange that this process ends with its parent, if the parent asked for that; return whether it did."""
    is_child = bool(os.environ.pop(VARIABLE, ""))
    if is_child:
        threading.Thread(target=_end_at_end_of_file, name="parent-pipe", daemon=True).start()
    return is_child


def _end_at_end_of_file() -> None:
    while os.read(0, 1):
        pass
    for folder in _LEFT_BEHIND:
        shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGKILL)
