"""What a status costs the HTTP edge, from its request to its 204: calls in all the server's threads, and log frames."""

import threading
from pathlib import Path

from storage.event_log import INPUTS_TOPIC
from storage.sqlite_log import SqliteLog
from tests.guard.counting import Calls, counting
from tests.ingest.decider_loop import deciding
from tests.ingest.serving import Guest, HawkClient, served, settings_for

STATUSES = 100
CALLS_MAX = 450.0
"""Sent one after the other, so that each pays alone for a commit that a busy edge shares among many."""


def test_a_status_takes_few_calls_from_its_request_to_its_reply(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", 4)
    calls = Calls()
    with deciding(log):
        threading.setprofile(counting(calls))  # of threads that are started from now on: the server's
        try:
            with served(settings_for(tmp_path), log) as server:
                guest = Guest.joined(server, HawkClient(server).create_room())
                assert guest.status(connections=1).status_code == 204
                frames, before = _frames(log), calls.count
                for number in range(STATUSES):
                    assert guest.status(connections=2 + number % 2).status_code == 204
                assert (calls.count - before) / STATUSES < CALLS_MAX
                assert _frames(log) - frames == STATUSES
        finally:
            threading.setprofile(None)
    log.close()


def _frames(log: SqliteLog) -> int:
    return sum(bounds.end - bounds.start for bounds in log.bounds(INPUTS_TOPIC).values())
