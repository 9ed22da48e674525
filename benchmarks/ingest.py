"""Requests per second and server core: authenticated, durable statuses against a bare FastAPI route.

All servers run on uvicorn with uvloop and httptools, and get the same number of requests from the same client:
keep-alive connections, one request at a time on each. The rounds alternate, so that all sides see the same machine.
Roomstate's sides are the real route: a Basic session token, the contract's checks, a log that is durable before the 204
(SQLite: synced; Kafka: acknowledged by all copies of a broker on this machine, which has one). The bare side has a
pydantic body and stores nothing.

"Per core" is per second of the server processes' CPU time, user and system, their threads included: what one core could
serve, whatever else the machine does meanwhile. A broker's time is not in it. The other figures are by the clock, with
client and broker on the same cores.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.http_load import post_all
from benchmarks.ingest_sides import Side, bare_side, cpu_s, kafka_side, sqlite_side

_SIDES: Final = {"sqlite": sqlite_side, "kafka": kafka_side}


class Round(NamedTuple):
    """What one round of one side showed."""

    per_core: float
    per_s: float
    p50_ms: float
    p99_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all sides and print their medians and ratios."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        load = options.requests, options.connections
        sides = [stack.enter_context(bare_side(*load))]
        for processes in sorted({1, options.processes}):
            for name in options.logs:
                own = folder / f"{name}-{processes}"
                own.mkdir()
                sides.append(stack.enter_context(_SIDES[name](*load, own, processes)))
        rounds: dict[str, list[Round]] = {side.name: [] for side in sides}
        for _ in range(options.rounds):
            for side in sides:
                rounds[side.name].append(measure(side))
    report([(side.name, median_of(rounds[side.name])) for side in sides], options)


def measure(side: Side) -> Round:
    """Return what one round of the side's load shows."""
    cpu_before_s, begun_s = cpu_s(side.pid), time.monotonic()
    latencies_ms = sorted(post_all(side.load))
    took_s, used_s = time.monotonic() - begun_s, cpu_s(side.pid) - cpu_before_s
    count = len(latencies_ms)
    return Round(count / used_s, count / took_s, latencies_ms[count // 2], latencies_ms[count * 99 // 100])


def median_of(rounds: Sequence[Round]) -> Round:
    """Return the median of each figure."""
    return Round(*(statistics.median(figures) for figures in zip(*rounds, strict=True)))


def report(results: Sequence[tuple[str, Round]], options: argparse.Namespace) -> None:
    """Print one line for each side, and how they compare."""
    print(f"{options.rounds} rounds of {options.requests} requests on {options.connections} connections, medians")
    print(f"{'':34}{'requests/s per core':>20}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for name, result in results:
        print(f"{name:34}{result.per_core:20.0f}{result.per_s:12.0f}{result.p50_ms:9.2f}{result.p99_ms:9.2f}")
    _, bare = results[0]
    for name, ours in results[1:]:
        print(
            f"{name}: {ours.per_core / bare.per_core:.2f} of bare per core, {ours.per_s / bare.per_s:.2f} by the clock"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=_bounded(1, 50), default=5, help="rounds of each side (default 5)")
    parser.add_argument("--requests", type=_bounded(100, 1_000_000), default=40_000, help="a round (default 40000)")
    parser.add_argument("--connections", type=_bounded(1, 500), default=128, help="at once (default 128)")
    parser.add_argument("--processes", type=_bounded(1, 16), default=1, help="also with so many of ours (default 1)")
    parser.add_argument(
        "--logs", nargs="+", choices=list(_SIDES), default=list(_SIDES), help="which logs (default all)"
    )
    parser.add_argument("--folder", type=Path, default=None, help="where the logs go (default: a temporary folder)")
    return parser


def _bounded(lowest: int, highest: int) -> "type[int]":
    class Bounded(int):
        def __new__(cls, text: str) -> "Bounded":
            value = super().__new__(cls, text)
            if not lowest <= value <= highest:
                raise ValueError
            return value

    Bounded.__name__ = f"number from {lowest} to {highest}"
    return Bounded


if __name__ == "__main__":
    main()
