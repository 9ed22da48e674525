"""How long the stream directory takes to answer: reads of one stream again and again, of ever-new ones, and lists.

Over HTTP, one request at a time on one connection, through the whole pipeline; each number is the client's own: from
its request to the reply's last byte. The directory holds published streams with live subscribers. A stream is asked
for once where it says new. Where subscribers come, one opens before each request: to other streams than the one that is
asked for, or to that very stream. At the end clients poll a stream that is not there, and the rows are counted.
Run it as `python -m benchmarks.streams`.
"""

import argparse
import asyncio
import itertools
import json
import statistics
from collections.abc import Awaitable, Callable, Iterator

from benchmarks.measuring import GIB, measuring, parser
from benchmarks.pipeline import (
    PARTITIONS,
    Pipeline,
    received_now,
    throwaway_pipeline,
    wait_until_ready,
    wait_until_told,
)
from benchmarks.results import Figures
from benchmarks.wire import Wire, post
from roomstate.ports import free_port
from state_machine.inputs import Input
from storage.store import Store

_ROOT = "/streammanager/api/2.0/event"
_TIMEOUT_S = 120.0
_BATCH = 8_000
_EDGES = 3
_NODES = [{"role": "origin", "address": "origin.example", "region": "eu"}]
_NODES += [{"role": "edge", "address": f"edge-{number}.example", "region": "eu"} for number in range(_EDGES)]
_LISTS = 20
_ROWS = "SELECT count() FROM room_events"
_LIVE = "SELECT count() FROM live_sessions"


def main() -> None:
    """Measure and print."""
    with measuring("streams", _options(), needs_bytes=GIB) as run:
        chosen = run.options
        chosen.streams = chosen.streams or run.scaled(1_000, 200)
        chosen.requests = chosen.requests or run.scaled(200, 20)
        chosen.polls = chosen.polls or run.scaled(2_000, 200)
        with throwaway_pipeline(chosen.log, chosen.port) as pipeline:
            run.progress(f"publishing {chosen.streams} streams of {chosen.subscribers} subscribers")
            port = asyncio.run(_prepare(pipeline, chosen))
            numbers = Numbers(chosen.streams)
            run.compare({f"{chosen.streams} streams": lambda: asyncio.run(_measured(pipeline, port, numbers, chosen))})


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    options.add_argument("--streams", type=int, help="published streams (default 1000; short 200)")
    options.add_argument("--subscribers", type=int, default=10, help="live subscribers of each (default 10)")
    options.add_argument("--requests", type=int, help="of each kind (default 200; short 20)")
    options.add_argument("--polls", type=int, help="of a missing stream (default 2000; short 200)")
    return options


async def _prepare(pipeline: Pipeline, chosen: argparse.Namespace) -> int:
    """Start everything and publish the streams; return the edge's port."""
    await pipeline.start_store()
    processor_port, port = free_port(), free_port()
    pipeline.start_processor(processor_port)
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        await _publish(pipeline, store, chosen.streams, chosen.subscribers)
    pipeline.start_ingest(port, ROOMSTATE_NODES=json.dumps(_NODES))
    await asyncio.to_thread(
        wait_until_told, f"http://127.0.0.1:{processor_port}/metrics", f"_partitions {PARTITIONS}.0\n"
    )
    await wait_until_ready(port)
    return port


async def _measured(pipeline: Pipeline, port: int, numbers: "Numbers", chosen: argparse.Namespace) -> Figures:
    async with await Store.connect(pipeline.settings.store_engine_url()) as store:
        wire = Wire(port)
        asking = Asking(wire, numbers)
        await asking.reads(chosen.requests)
        await asking.lists()
        rows = (await store.rows(_ROWS))[0][0]
        await asking.polls(chosen.polls)
        wire.close()
        return {**asking.figures, "rows that the polls left": (await store.rows(_ROWS))[0][0] - rows}


async def _publish(pipeline: Pipeline, store: Store, streams: int, subscribers: int) -> None:
    """Let the processor store so many publications and openings."""
    items = itertools.chain(
        (_input(number, "publish", "", node="origin.example", region="eu") for number in range(streams)),
        (
            _input(number % streams, "open", f"viewer-{number}", node=_edge(number))
            for number in _all(streams, subscribers)
        ),
    )
    while batch := list(itertools.islice(items, _BATCH)):
        await asyncio.to_thread(pipeline.append, batch)
    async with asyncio.timeout(_TIMEOUT_S):
        while (await store.rows(_LIVE))[0][0] < streams * subscribers:
            await asyncio.sleep(0.2)


def _all(streams: int, subscribers: int) -> range:
    return range(streams * subscribers)


def _edge(number: int) -> str:
    return f"edge-{number % _EDGES}.example"


def _input(stream: int, kind: str, session: str, **extra: str) -> Input:
    return Input(
        kind=kind,
        received_at_ms=received_now(),
        room_kind="stream",
        room=f"live/stream-{stream}",
        session=session,
        extra=dict(extra),
    )


class Numbers:
    """Which stream is asked for next, and which viewer comes next."""

    def __init__(self, streams: int) -> None:
        self.streams = itertools.cycle(range(streams))
        self.viewers = itertools.count()


class Asking:
    """Asks the directory and keeps how long that took."""

    def __init__(self, wire: Wire, numbers: Numbers) -> None:
        self._wire = wire
        self._numbers = numbers
        self.figures: dict[str, float] = {}

    async def reads(self, requests: int) -> None:
        """Ask for statistics and for an edge."""
        for what, suffix in (("stats", "/stats"), ("subscribe", "?action=subscribe")):
            await self._time(f"{what}, one stream", requests, itertools.repeat(f"/live/stream-0{suffix}"))
            await self._time(f"{what}, new streams", requests, self._new(suffix))
            await self._time(f"{what}, others come", requests, self._new(suffix), self._subscriber_comes)
            same = itertools.repeat(f"/live/stream-0{suffix}")
            await self._time(f"{what}, its own come", requests, same, self._subscriber_comes)

    async def lists(self) -> None:
        """Ask for all streams."""
        for what, path in (("list", "/list"), ("list with stats", "/list/stats")):
            await self._time(what, _LISTS, itertools.repeat(path))

    async def polls(self, polls: int) -> None:
        """Ask for a stream that is not there."""
        await self._time("polls of a missing one", polls, itertools.repeat("/live/none?action=subscribe"), status=404)

    def _new(self, suffix: str) -> Iterator[str]:
        return (f"/live/stream-{number}{suffix}" for number in self._numbers.streams)

    async def _subscriber_comes(self) -> None:
        number = next(self._numbers.viewers)
        opening = {"kind": "open", "room_kind": "stream", "room": "live/stream-0", "session": f"late-{number}"}
        body = json.dumps({**opening, "node": _edge(number)}).encode()
        reply = await self._wire.send(post("/v1/inputs?wait=decision", body, Authorization="Bearer benchmark"))
        if reply.status != 200:
            raise RuntimeError(f"a subscriber could not come: {reply}")

    async def _time(
        self,
        what: str,
        requests: int,
        paths: Iterator[str],
        before: Callable[[], Awaitable[None]] | None = None,
        status: int = 200,
    ) -> None:
        latencies_ms = []
        for path in itertools.islice(paths, requests):
            if before is not None:
                await before()
            reply = await self._wire.send(f"GET {_ROOT}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            if reply.status != status:
                raise RuntimeError(f"{path} was answered by {reply}")
            latencies_ms.append(reply.latency_ms)
        self.figures[f"{what}, p50, ms"] = statistics.median(latencies_ms)


if __name__ == "__main__":
    main()
