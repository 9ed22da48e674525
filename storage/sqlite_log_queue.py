"""The queue of writing processes: one at a time, and none is passed over for long.

Two lock files: whoever wants to write first takes `.next`, keeps it while it waits for `.lock`, and lets go of it once
it has that. So a process that writes without pause cannot have `.lock` again before the one that waits. The kernel
gives both back however their holder ends.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE_S = 0.0002
_PAUSE_S_MAX = 0.001


class WriterQueue:
    """One process's place in the queue; used by one thread at a time.

    Raises: OSError if the lock files cannot be opened.
    """

    def __init__(self, log_path: Path) -> None:
        self._next = _open(log_path, ".next")
        self._lock = _open(log_path, ".lock")

    def enter(self, give_up_at: float) -> bool:
        """Wait for the lock until `give_up_at` (monotonic seconds); return whether it is ours."""
        if not _acquire(self._next, give_up_at):
            return False
        try:
            return _acquire(self._lock, give_up_at)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)

    def leave(self) -> None:
        """Let the next one write."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock files back."""
        os.close(self._next)
        os.close(self._lock)


def pauses_until(give_up_at: float) -> Iterator[None]:
    """Yield at once, and again after growing pauses until the time (monotonic seconds) is over."""
    pause_s = _PAUSE_S
    while True:
        yield
        if time.monotonic() >= give_up_at:
            return
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _PAUSE_S_MAX)


def _open(log_path: Path, suffix: str) -> int:
    return os.open(log_path.with_name(log_path.name + suffix), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _acquire(descriptor: int, give_up_at: float) -> bool:
    for _ in pauses_until(give_up_at):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
