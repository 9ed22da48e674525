"""How long joins take: alone, at a steady rate with statuses beside; and how long the list of a thousand rooms takes.

Starts the whole embedded pipeline (`roomstate up`) in a temporary folder. A join is answered once its rows are in the
store. Run it as `python -m benchmarks.joins`.
"""

import argparse
import asyncio
import base64
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.wire import Reply, Wire, post
from roomstate.ports import free_port
from roomstate.replaying.loop_clients import HawkUser

_API_TOKEN: Final = "benchmark"
_READY_S: Final = 60.0
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle-joins", type=int, default=100, help="joins one after the other (default 100)")
    parser.add_argument("--joins", type=int, default=100, help="joins a second under load (default 100)")
    parser.add_argument("--statuses", type=int, default=1000, help="statuses a second beside them (default 1000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="for how long (default 20)")
    parser.add_argument(
        "--rooms", type=int, default=1000, help="rooms of the owner whose list is asked for (default 1000)"
    )
    chosen = parser.parse_args()
    with running_pipeline() as port:
        asyncio.run(_measure(port, chosen))


async def _measure(port: int, chosen: argparse.Namespace) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        rooms = Rooms(http)
        wire = Wire(port)
        await rooms.make(chosen.idle_joins + int(chosen.joins * chosen.seconds) + 200)
        idle = []
        for _ in range(chosen.idle_joins):
            idle.append(await wire.send(post(f"/rooms/{rooms.next()}", _JOIN)))
            await asyncio.sleep(0.05)
        _told("joins, one at a time", idle)
        posters = [await _poster(wire, rooms.next()) for _ in range(_POSTERS)]
        turns = itertools.cycle(posters)
        joins, statuses = await asyncio.gather(
            wire.send_at_rate(chosen.joins, chosen.seconds, lambda _: post(f"/rooms/{rooms.next()}", _JOIN)),
            wire.send_at_rate(chosen.statuses, chosen.seconds, lambda _: next(turns)),
        )
        _told(f"{chosen.joins} joins a second", joins)
        _told(f"{chosen.statuses} statuses a second beside them", statuses)
        wire.close()
        await _list_rooms(http, chosen.rooms)


async def _poster(wire: Wire, room: str) -> bytes:
    """Join the room and return the request that posts a status there."""
    joined = await wire.send(post(f"/rooms/{room}", _JOIN))
    token = json.loads(joined.body)["sessionToken"]
    return post(f"/rooms/{room}", _STATUS, Authorization=f"Basic {base64.b64encode(token.encode()).decode()}")


async def _list_rooms(http: httpx.AsyncClient, count: int) -> None:
    owner = await HawkUser.registered(http)
    for start in range(0, count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, count))
        await asyncio.gather(*(owner.create_room(f"room {number}") for number in numbers))
    latencies_ms = []
    for _ in range(_LISTINGS):
        request = owner.signed("GET", "/rooms")
        begun_s = time.perf_counter()
        reply = await http.send(request)
        latencies_ms.append((time.perf_counter() - begun_s) * 1000)
    print(f"GET /rooms with {len(reply.json())} rooms: {_quantiles(latencies_ms)}")


class Rooms:
    """Rooms without a bound, each good for one join."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._names: Iterator[str] = iter(())

    async def make(self, count: int) -> None:
        """Create so many rooms."""
        names = [f"join-{number}" for number in range(count)]
        items: list[dict[str, Any]] = [{"kind": "room_create", "room": name} for name in names]
        headers = {"Authorization": f"Bearer {_API_TOKEN}"}
        reply = await self._http.post("/v1/inputs", json=items, params={"wait": "decision"}, headers=headers)
        reply.raise_for_status()
        self._names = iter(names)

    def next(self) -> str:
        """Return a room that nobody has joined yet."""
        return next(self._names)


def _told(what: str, replies: Sequence[Reply]) -> None:
    statuses = dict(Counter(reply.status for reply in replies))
    print(f"{what}: {_quantiles([reply.latency_ms for reply in replies])}, answers {statuses}")


def _quantiles(latencies_ms: Sequence[float]) -> str:
    cuts = statistics.quantiles(latencies_ms, n=100)
    return f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, max {max(latencies_ms):.1f} ms"


@contextmanager
def running_pipeline() -> Iterator[int]:
    """Run `roomstate up` until the block ends; give its port."""
    port, store_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "ROOMSTATE_DATA_DIR": folder,
            "ROOMSTATE_PORT": str(port),
            "ROOMSTATE_STORE_PORT": str(store_port),
            "ROOMSTATE_API_TOKEN": _API_TOKEN,
        }
        with (Path(folder) / "up.log").open("w") as output:
            command = [sys.executable, "-m", "roomstate", "up"]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            _wait_until_ready(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_s = time.monotonic() + _READY_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the pipeline did not start")


if __name__ == "__main__":
    main()
