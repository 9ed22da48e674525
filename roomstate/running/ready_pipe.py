"""A child tells its parent that it is ready: one byte through a pipe that the parent reads.

A part that can be asked over HTTP is not asked whether it listens, and one that cannot be asked says it all the same.
"""

import os
from typing import Final

VARIABLE: Final = "ROOMSTATE_READY_DESCRIPTOR"
"""Set in the environment of a child to the descriptor of the pipe's writing end."""


def say_ready() -> None:
    """Tell the parent, if it wants to know; further calls do nothing."""
    descriptor = os.environ.pop(VARIABLE, "")
    if descriptor:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))
