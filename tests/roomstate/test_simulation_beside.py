"""What is simulated beside calls: accounts that play, and streams with their audience."""

from collections import Counter
from random import Random

import pytest

from roomstate.simulation.account import REPLACING, SESSIONS, ZOMBIES, planned_account
from roomstate.simulation.call import CallShape
from roomstate.simulation.stream import AUDIENCE_MAX, AUDIENCE_MEDIAN, BREAKING_OFF, VANISHING, planned_stream
from tests.roomstate.deciding import decided

SHAPE = CallShape(talk_s=60.0)
ACCOUNTS = [planned_account(Random(number), f"sim-{number}", 0, SHAPE) for number in range(600)]
STREAMS = [planned_stream(Random(number), f"sim/{number}", 0, SHAPE) for number in range(300)]


def sessions(kind: str, members: dict[str, str] | None = None) -> set[str]:
    """Return the sessions with an input of the kind that has the members, of all accounts and streams."""
    return {
        step.body["session"]
        for scene in (*ACCOUNTS, *STREAMS)
        for step in scene.steps
        if step.body["kind"] == kind and "session" in step.body and (members or {}).items() <= step.body.items()
    }


def test_accounts_hit_limits_replace_and_leave_zombies() -> None:
    found: Counter[str] = Counter()
    for account in ACCOUNTS:
        for fact, _ in decided(account):
            found[f"{fact.name} {fact.reason}".strip()] += 1
    assert found.keys() <= {
        "session_opened",
        "session_refreshed",
        "session_closed left",
        "session_closed expired",
        "session_closed replaced",
        "open_refused playback_limit",
        "refresh_refused replaced",
        "close_refused replaced",
    }
    for name in ("open_refused playback_limit", "session_closed replaced", "session_closed expired"):
        assert found[name] > 3, found


def test_account_sessions_are_as_many_and_end_as_said() -> None:
    opened, closed = sessions("open", {"room_kind": "account"}), sessions("close", {"room_kind": "account"})
    by_account = Counter(sum(step.body["kind"] == "open" for step in account.steps) for account in ACCOUNTS)
    assert {number: times / 600 for number, times in by_account.items()} == pytest.approx(SESSIONS, rel=0.25)
    assert 1 - len(closed) / len(opened) == pytest.approx(ZOMBIES, rel=0.2)
    assert len(sessions("open", {"replace": "oldest"})) / len(opened) == pytest.approx(REPLACING, rel=0.2)
    assert {step.body["device_type"] for account in ACCOUNTS for step in account.steps} == {"stb", "mobile", "browser"}


def test_streams_are_published_watched_and_end() -> None:
    found: Counter[str] = Counter()
    for stream in STREAMS:
        assert stream.steps[0].body["kind"] == "publish"
        for fact, _ in decided(stream):
            found[f"{fact.name} {fact.reason}".strip()] += 1
    assert found["stream_published"] == 300
    assert found["stream_unpublished left"] == pytest.approx(300 * (1 - BREAKING_OFF), rel=0.1)
    for name in ("stream_published renewed", "session_opened", "session_refreshed", "session_closed left"):
        assert found[name], found
    assert not {name for name in found if "refused" in name or "ignored" in name}


def test_audiences_are_log_normal_and_some_go_without_a_word() -> None:
    audiences = sorted(sum(step.body["kind"] == "open" for step in stream.steps) for stream in STREAMS)
    assert audiences[150] == pytest.approx(AUDIENCE_MEDIAN, abs=2)
    assert AUDIENCE_MAX // 2 < audiences[-1] <= AUDIENCE_MAX
    opened, closed = sessions("open", {"room_kind": "stream"}), sessions("close", {"room_kind": "stream"})
    assert 1 - len(closed) / len(opened) == pytest.approx(VANISHING, rel=0.2)
