"""The live feed: equal to what the store's views say, whatever happened in between."""

import asyncio
import random
import time
from typing import Any

import pytest

from storage.store import Store
from tests.ingest.serving import Served
from tests.ingest.watching import Watched, watching
from tests.ingest.whole_pipeline import wait_until, wait_until_stored

_LIVE = """
SELECT toString(room_kind), room_id, session_id, state, connections, send_streams, recv_streams FROM live_sessions"""
EVENTS = ("Session.connectionCreated", "Publisher.streamCreated", "Session.streamCreated", "Session.streamDestroyed")
STATES = ("init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup", "conected")
_numbers = iter(range(1_000_000))


def live_by_sql(server: Served) -> dict[tuple[str, str, str], list[Any]]:
    async def ask() -> list[tuple[Any, ...]]:
        async with await Store.connect(server.edge.settings.store_engine_url()) as store:
            return await store.rows(_LIVE)

    return {(kind, room, session): list(rest) for kind, room, session, *rest in asyncio.run(ask())}


def as_sql(watched: Watched) -> dict[tuple[str, str, str], list[Any]]:
    return {name: fields[4:8] for name, fields in watched.sessions.items()}


def until_equal(server: Served, watched: Watched) -> None:
    wait_until_stored(server)
    truth = live_by_sql(server)
    give_up_s = time.monotonic() + 10
    while as_sql(watched) != truth:
        watched.next()
        assert time.monotonic() < give_up_s, set(as_sql(watched)) ^ set(truth)
    counts: dict[tuple[str, str], int] = {}
    for (kind, _, _), (state, *_) in truth.items():
        counts[kind, state] = counts.get((kind, state), 0) + 1
    assert watched.counts == counts


def status(room: str, session: str, **members: Any) -> dict[str, Any]:
    return {"room": room, "session": session, "event": EVENTS[0], "state": "waiting", "connections": 1, **members}


@pytest.fixture
def room() -> str:
    return f"live-{next(_numbers)}"


def test_it_begins_with_everybody_and_tells_every_change(pipeline: Served, room: str) -> None:
    assert pipeline.native(status(room, "early"), params={"wait": "decision"}).status_code == 200
    with watching(pipeline) as watched:
        watched.until("snapshot")
        assert watched.sessions["call", room, "early"][4:8] == ["waiting", 1, 0, 0]
        pipeline.native([status(room, "late"), status(room, "early", state="sending", event=EVENTS[1], send_streams=1)])
        pipeline.native([{"kind": "close", "room": room, "session": "late", "reason": "left"}])
        until_equal(pipeline, watched)
        assert ("call", room, "late") not in watched.sessions
        assert watched.sessions["call", room, "early"][4:8] == ["sending", 1, 1, 0]
        assert ["call", "waiting", "sending", "implied", "", 1] in watched.moves
        assert ["call", "", "init", "", "implicit", 2] not in watched.moves
        assert ["call", "waiting", "", "", "left", 1] in watched.moves


def test_violations_are_told_with_what_was_claimed(pipeline: Served, room: str) -> None:
    with watching(pipeline) as watched:
        watched.until("snapshot")
        pipeline.native(
            [status(room, "s"), status(room, "s", event="<script>alert(1)</script>" * 20, state="conected")]
        )
        wait_until_seen = [room, "s"]
        while not any(each[2:4] == wait_until_seen for each in watched.violations):
            watched.next()
        (told,) = [each for each in watched.violations if each[2:4] == wait_until_seen]
        assert (told[5:], len(told[4])) == (["waiting", "conected", "unknown_state"], 200)


def test_random_traffic_leaves_it_equal_to_the_view(pipeline: Served, room: str) -> None:
    chance = random.Random(20)
    with watching(pipeline) as early:
        early.until("snapshot")
        for _ in range(12):
            items = []
            for _ in range(40):
                kind = chance.choice(("status", "status", "status", "close", "open"))
                counters = {name: chance.randrange(3) for name in ("connections", "send_streams", "recv_streams")}
                where = {"room": f"{room}-{chance.randrange(9)}", "session": f"s{chance.randrange(4)}", "kind": kind}
                said = {"event": chance.choice(EVENTS), "state": chance.choice(STATES), **counters}
                lease = {"lease_ms": chance.choice((1500, 60_000))} if kind == "open" else {}
                items.append({**where, **(said if kind == "status" else {}), **lease})
            assert pipeline.native(items).status_code == 200
        until_equal(pipeline, early)
        with watching(pipeline) as late:
            late.until("snapshot")
            until_equal(pipeline, late)


def test_a_lease_that_ends_takes_the_session_away(pipeline: Served, room: str) -> None:
    opening = {"kind": "open", "room": room, "session": "short", "lease_ms": 700, "room_kind": "account"}
    with watching(pipeline) as watched:
        watched.until("snapshot")
        assert pipeline.native(opening, params={"wait": "decision"}).status_code == 200
        while not any(move[:3] == ["account", "", "init"] for move in watched.moves):
            watched.next()
        while ("account", room, "short") in watched.sessions:
            watched.next()
        until_equal(pipeline, watched)


def test_health_says_that_everything_adds_up(pipeline: Served, room: str) -> None:
    pipeline.native(status(room, "s"), params={"wait": "decision"})
    account = wait_until_stored(pipeline)
    with watching(pipeline) as watched:
        health = watched.until("health")
        while health["accounting"]["accepted"] < account["accepted"] or not health["freshness"]:
            pipeline.native(status(room, "s"), params={"wait": "decision"})
            health = watched.until("health")
        told = health["accounting"]
        assert told["accepted"] == told["stored"] + told["dead_lettered"] + told["pending"]
        assert (told["balanced"], health["troubles"]) == (True, {})
        assert health["freshness"]["p95_ms"] >= 0


def test_nothing_is_asked_while_nobody_watches(pipeline: Served) -> None:
    live = pipeline.live
    live.linger_s = 0.1
    with watching(pipeline) as watched:
        watched.until("snapshot")
        assert live.is_running
    wait_until(lambda: not live.is_running, "the feed to stop")


def test_without_the_store_it_says_so_and_goes_on(server: Served) -> None:
    with watching(server) as watched:
        health = watched.until("health")
        assert "store" in health["troubles"]
        assert (health["accounting"], health["freshness"]) == (None, None)
        assert watched.until("beat")["is_current"] is False
