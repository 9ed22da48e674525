"""Requests per second and server core: authenticated, durable statuses against bare FastAPI routes.

All servers run on uvicorn with uvloop and httptools, and get the same number of requests from the same client:
keep-alive connections, one request at a time on each. Roomstate's sides are the real route: a Basic session token, the
contract's checks, a log that is durable before the 204 (SQLite: synced; Kafka: acknowledged by all copies of a broker
on this machine, which has one). The bare sides have a pydantic body and check nothing else: one stores nothing, the
other sends each post to such a broker with aiokafka and waits for it.

"Per core" is per second of the server processes' CPU time, user and system, their threads included: what one core could
serve, whatever else the machine does meanwhile. A broker's time is not in it. The other figures are by the clock, with
client and broker on the same cores.
"""

import argparse
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.http_load import post_all
from benchmarks.ingest_bare import bare_kafka_side, bare_side
from benchmarks.ingest_sides import Side, cpu_s, kafka_side, memory_mib, sqlite_side
from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.results import Figures

_SIDES: Final = {"sqlite": sqlite_side, "kafka": kafka_side}
_PER_CORE: Final = "requests per CPU second"
_BARS: Final = {"sqlite": (3.0, 25_000 / 7_000), "kafka": (2.0, 3.0)}
"""What each must reach and reaches for, in times the bare route."""


def main() -> None:
    """Measure and print."""
    with measuring("ingest", _options(), needs_bytes=2 * GIB) as run, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides, ours = _started(run, folder, stack)
        bare = sides[0].name
        run.compare({side.name: partial(measure, side) for side in sides}, to=bare)
        for log, side in ours.items():
            must, reach = _BARS[log]
            ratio = run.results.ratio(side.name, _PER_CORE, bare)
            run.bar(f"{side.name}, per core", ratio, f"x {bare}", must=must, reach=reach, is_less_better=False)
        run.not_measured("TLS, clients elsewhere and brokers elsewhere; all share these cores")


def measure(side: Side) -> Figures:
    """Return what one round of the side's load shows."""
    cpu_before_s, begun_s = cpu_s(side.pid), time.monotonic()
    latencies_ms = sorted(post_all(side.load))
    took_s, used_s = time.monotonic() - begun_s, cpu_s(side.pid) - cpu_before_s
    count = len(latencies_ms)
    return {
        _PER_CORE: count / used_s,
        "CPU of a request, µs": used_s / count * 1e6,
        "requests per second by the clock": count / took_s,
        "reply p50, ms": latencies_ms[count // 2],
        "reply p99, ms": latencies_ms[count * 99 // 100],
        "memory of the server, MiB": memory_mib(side.pid),
    }


def _started(run: Run, folder: Path, stack: ExitStack) -> tuple[list[Side], dict[str, Side]]:
    """Start all servers; return them, and which of them is ours on which log."""
    chosen = run.options
    load = chosen.requests or run.scaled(40_000, 8_000), chosen.connections
    sides = [stack.enter_context(bare_side(*load))]
    if "kafka" in chosen.logs:
        own = folder / "aiokafka"
        own.mkdir()
        sides.append(stack.enter_context(bare_kafka_side(*load, own)))
    ours: dict[str, Side] = {}
    for processes in sorted({1, chosen.processes}):
        for log in chosen.logs:
            own = folder / f"{log}-{processes}"
            own.mkdir()
            sides.append(stack.enter_context(_SIDES[log](*load, own, processes)))
            ours.setdefault(log, sides[-1])
    return sides, ours


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--requests", type=_from(100), help="of a repetition (default 40000)")
    options.add_argument("--connections", type=_from(1), default=128, help="at once (default 128)")
    options.add_argument("--processes", type=_from(1), default=1, help="also with so many of ours (default 1)")
    options.add_argument(
        "--logs", nargs="+", choices=list(_SIDES), default=list(_SIDES), help="which logs (default all)"
    )
    return options


def _from(lowest: int) -> "type[int]":
    class Bounded(int):
        def __new__(cls, text: str) -> "Bounded":
            value = super().__new__(cls, text)
            if value < lowest:
                raise ValueError
            return value

    Bounded.__name__ = f"number from {lowest} on"
    return Bounded


if __name__ == "__main__":
    main()
