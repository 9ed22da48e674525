"""How long joins take: alone, at a steady rate with statuses beside; and how long the list of a thousand rooms takes.

Runs the whole embedded pipeline (`roomstate up`). A join is answered once its rows are in the store. Run it as
`python -m benchmarks.joins`.
"""

import argparse
import asyncio
import base64
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final

import httpx

from benchmarks.measuring import GIB, Side, measuring, parser
from benchmarks.results import Figures
from benchmarks.running_pipeline import API_TOKEN, running_pipeline
from benchmarks.wire import Reply, Wire, post
from roomstate.replaying.loop_clients import HawkUser

_JOIN: Final = json.dumps({"action": "join", "displayName": "somebody", "clientMaxSize": 5}).encode()
_STATUS: Final = json.dumps(
    {
        "action": "status",
        "event": "Session.subscribeCompleted",
        "state": "waiting",
        "connections": 1,
        "sendStreams": 0,
        "recvStreams": 0,
    }
).encode()
_LISTINGS: Final = 20
_POSTERS: Final = 100
_AT_ONCE: Final = 20


def main() -> None:
    """Measure and print."""
    with measuring("joins", _options(), needs_bytes=GIB) as run:
        chosen = run.options
        chosen.idle_joins = chosen.idle_joins or run.scaled(100, 20)
        chosen.seconds = chosen.seconds or run.scaled(20, 4)
        chosen.rooms = chosen.rooms or run.scaled(1000, 100)
        with running_pipeline(chosen.port) as running:
            owner = asyncio.run(_list_owner(running.port, chosen.rooms))
            numbers = itertools.count()
            sides: dict[str, Side] = {
                "idle": lambda: _measured(running.port, numbers, lambda joining: joining.idle(chosen.idle_joins)),
                "busy": lambda: _measured(
                    running.port, numbers, lambda joining: joining.busy(chosen.joins, chosen.statuses, chosen.seconds)
                ),
                f"{chosen.rooms} rooms": lambda: asyncio.run(_listed(running.port, owner)),
            }
            run.compare(sides)
        idle = run.results.summary("idle", "join p50, ms").median
        run.bar("join on an idle system, p50", idle, "ms", must=60, reach=35, is_less_better=True)
        run.not_measured("a network between client and edge")


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--idle-joins", type=int, help="joins one after the other (default 100; short 20)")
    options.add_argument("--joins", type=int, default=100, help="joins a second under load (default 100)")
    options.add_argument("--statuses", type=int, default=1000, help="statuses a second beside them (default 1000)")
    options.add_argument("--seconds", type=int, help="for how long (default 20; short 4)")
    options.add_argument(
        "--rooms", type=int, help="rooms of the owner whose list is asked for (default 1000; short 100)"
    )
    return options


def _measured(
    port: int, numbers: Iterator[int], joined: Callable[["Joining"], Coroutine[None, None, Figures]]
) -> Figures:
    async def measure() -> Figures:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            joining = Joining(http, Wire(port), numbers)
            try:
                return await joined(joining)
            finally:
                joining.wire.close()

    return asyncio.run(measure())


class Joining:
    """Joins of rooms that nobody has joined yet."""

    def __init__(self, http: httpx.AsyncClient, wire: Wire, numbers: Iterator[int]) -> None:
        self.wire = wire
        self._rooms = Rooms(http, numbers)

    async def idle(self, joins: int) -> Figures:
        """Join one after the other, with pauses."""
        await self._rooms.make(joins)
        replies = []
        for _ in range(joins):
            replies.append(await self.wire.send(post(f"/rooms/{self._rooms.next()}", _JOIN)))
            await asyncio.sleep(0.05)
        return _quantiles("join", replies, 200)

    async def busy(self, joins: int, statuses: int, seconds: float) -> Figures:
        """Join at a rate while statuses come at a rate."""
        await self._rooms.make(int(joins * seconds) + _POSTERS)
        posters = [await _poster(self.wire, self._rooms.next()) for _ in range(_POSTERS)]
        turns = itertools.cycle(posters)
        joined, posted = await asyncio.gather(
            self.wire.send_at_rate(joins, seconds, lambda _: post(f"/rooms/{self._rooms.next()}", _JOIN)),
            self.wire.send_at_rate(statuses, seconds, lambda _: next(turns)),
        )
        return {**_quantiles("join", joined, 200), **_quantiles("status", posted, 204)}


async def _poster(wire: Wire, room: str) -> bytes:
    """Join the room and return the request that posts a status there."""
    joined = await wire.send(post(f"/rooms/{room}", _JOIN))
    token = json.loads(joined.body)["sessionToken"]
    return post(f"/rooms/{room}", _STATUS, Authorization=f"Basic {base64.b64encode(token.encode()).decode()}")


async def _list_owner(port: int, count: int) -> HawkUser:
    """Return an owner of so many rooms."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        owner = await HawkUser.registered(http)
        for start in range(0, count, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, count))
            await asyncio.gather(*(owner.create_room(f"room {number}") for number in numbers))
        return owner


async def _listed(port: int, owner: HawkUser) -> Figures:
    latencies_ms = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        for _ in range(_LISTINGS):
            request = owner.signed("GET", "/rooms")
            begun_s = time.perf_counter()
            (await http.send(request)).raise_for_status()
            latencies_ms.append((time.perf_counter() - begun_s) * 1000)
    return {"list p50, ms": statistics.median(latencies_ms), "list, longest, ms": max(latencies_ms)}


class Rooms:
    """Rooms without a bound, each good for one join."""

    def __init__(self, http: httpx.AsyncClient, numbers: Iterator[int]) -> None:
        self._http = http
        self._numbers = numbers
        self._names: Iterator[str] = iter(())

    async def make(self, count: int) -> None:
        """Create so many rooms."""
        names = [f"join-{number}" for number in itertools.islice(self._numbers, count)]
        items: list[dict[str, Any]] = [{"kind": "room_create", "room": name} for name in names]
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        reply = await self._http.post("/v1/inputs", json=items, params={"wait": "decision"}, headers=headers)
        reply.raise_for_status()
        self._names = iter(names)

    def next(self) -> str:
        """Return a room that nobody has joined yet."""
        return next(self._names)


def _quantiles(what: str, replies: Sequence[Reply], expected: int) -> Figures:
    others = Counter(reply.status for reply in replies if reply.status != expected)
    if others:
        raise RuntimeError(f"{what}: answers other than {expected}: {dict(others)}")
    latencies_ms = [reply.latency_ms for reply in replies]
    cuts = statistics.quantiles(latencies_ms, n=100, method="inclusive")
    return {
        f"{what} p50, ms": cuts[49],
        f"{what} p99, ms": cuts[98],
        f"{what}, longest, ms": max(latencies_ms),
    }


if __name__ == "__main__":
    main()
