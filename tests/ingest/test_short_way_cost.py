"""What a status costs on the event loop, counted in function calls: neither the machine nor its load changes that."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ingest.serving import Guest
from tests.ingest.test_group_commit import a_guest, locked, wait_until
from tests.ingest.test_short_way import LONG, connected, replies, request

STATUSES = 50


@contextmanager
def counted_calls(guest: Guest) -> Iterator[Counter[str]]:
    """Count the calls of Python and of C functions on the server's event loop."""
    counts: Counter[str] = Counter()

    def note(frame: Any, event: str, argument: Any) -> None:
        counts[event] += 1

    def on_the_loop(profiler: Any) -> None:
        is_set = threading.Event()

        def switch() -> None:
            sys.setprofile(profiler)
            is_set.set()

        guest.server.edge.writer._loop.call_soon_threadsafe(switch)
        assert is_set.wait(20)

    on_the_loop(note)
    try:
        yield counts
    finally:
        on_the_loop(None)


def calls_of_a_status(folder: Path, *further: str) -> float:
    """Return how many functions the event loop calls for each of many statuses that come at once."""
    with a_guest(folder, log_timeout_ms=60_000) as guest, ExitStack() as stack:
        connections = [stack.enter_context(connected(guest)) for _ in range(STATUSES)]

        def post() -> None:
            with locked(folder):
                for connection in connections:
                    connection.sendall(request(guest, *further))
                wait_until(lambda: guest.server.edge.writer.waiting[0] == STATUSES)
            for connection in connections:
                assert replies(connection)[0].startswith(b"HTTP/1.1 204")

        post()  # from now on all tokens and heads are known
        post()
        with counted_calls(guest) as counts:
            post()
    return (counts["call"] + counts["c_call"]) / STATUSES


@pytest.mark.parametrize(("further", "calls_max"), [((), 70), (("Connection: keep-alive", *LONG), 220)])
def test_a_status_costs_few_calls(tmp_path: Path, further: tuple[str, ...], calls_max: int) -> None:
    calls = calls_of_a_status(tmp_path, *further)
    assert calls < calls_max
