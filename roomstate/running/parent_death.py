"""A child process is killed by the kernel when the thread that started it ends, even while it is suspended."""

import ctypes
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1

_prctl = getattr(ctypes.CDLL(None), "prctl", None)
"""Linux alone has it; elsewhere a child outlives a parent that was killed."""


def end_with_starter() -> None:
    """Arrange it, in the child, between fork and exec; the library was looked up before."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
