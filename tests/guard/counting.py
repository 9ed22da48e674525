"""How often Python is called while something is done: a cost that depends on no machine, and on nothing beside it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Calls:
    """How many functions were entered, Python's own and C's."""

    count = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of this thread until the block ends."""
    calls = Calls()
    before = sys.getprofile()
    sys.setprofile(counting(calls))
    try:
        yield calls
    finally:
        sys.setprofile(before)


def counting(calls: Calls) -> Callable[[FrameType, str, Any], None]:
    """Return a profile function that counts."""

    def count(_: FrameType, event: str, __: Any) -> None:
        if event in ("call", "c_call"):
            calls.count += 1

    return count
