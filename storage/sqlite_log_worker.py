"""The lock that lets one processor at a time work on a SQLite log.

It is an exclusive `flock` on `<log path>.worker`: the kernel gives it back however its holder ends, so that a standby
can take over from a worker that was killed.
"""

import fcntl
import os
from pathlib import Path


def worker_lock_path(log_path: Path) -> Path:
    """Return the file that the worker at work holds locked."""
    return log_path.with_name(log_path.name + ".worker")


class WorkerLock:
    """One worker's claim on the log."""

    def __init__(self, log_path: Path) -> None:
        self._path = worker_lock_path(log_path)
        self._descriptor: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it; return whether it is ours now."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the next worker have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_worker_at_work(log_path: Path) -> bool:
    """Tell whether some process holds the lock now.

    Looking takes a shared lock for an instant, so an acquisition may fail for that long: a standby tries again.
    """
    try:
        descriptor = os.open(worker_lock_path(log_path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
