"""Requests per second and server core: authenticated, durable statuses against a bare FastAPI route.

Both servers run in one process each, on uvicorn with uvloop and httptools, and get the same number of requests from the
same client: keep-alive connections, one request at a time on each. The rounds alternate, so that both sides see the
same machine. Roomstate's side is the real route: a Basic session token, the contract's checks, a SQLite log that is
synced before the 204. The bare side has a pydantic body and stores nothing.

"Per core" is per second of the server process' CPU time, user and system, its threads included: what one core could
serve, whatever else the machine does meanwhile. The other figures are by the clock, the client included.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.http_load import post_all
from benchmarks.ingest_sides import Side, bare_side, cpu_s, ingest_side


class Round(NamedTuple):
    """What one round of one side showed."""

    per_core: float
    per_s: float
    p50_ms: float
    p99_ms: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both sides and print their medians and ratios."""
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        sides = [
            stack.enter_context(bare_side(options.requests, options.connections)),
            stack.enter_context(ingest_side(options.requests, options.connections, folder)),
        ]
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
    print(f"{'':26}{'requests/s per core':>20}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for name, result in results:
        print(f"{name:26}{result.per_core:20.0f}{result.per_s:12.0f}{result.p50_ms:9.2f}{result.p99_ms:9.2f}")
    (_, bare), (_, ours) = results
    print(f"ratio: {ours.per_core / bare.per_core:.2f} per core, {ours.per_s / bare.per_s:.2f} by the clock")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=_bounded(1, 50), default=5, help="rounds of each side (default 5)")
    parser.add_argument("--requests", type=_bounded(100, 1_000_000), default=40_000, help="a round (default 40000)")
    parser.add_argument("--connections", type=_bounded(1, 500), default=128, help="at once (default 128)")
    parser.add_argument("--folder", type=Path, default=None, help="where the log goes (default: a temporary folder)")
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
