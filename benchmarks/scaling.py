"""What more processors gain where cores suffice for all: each is held to a fifth of a core while they drain a log.

The broker and the store have the rest, so that they are not what is short. One, two and four processors drain the same
statuses in turns. Run it as `python -m benchmarks.scaling`; benchmarks/drain.py says how it is done.
"""

import argparse
import asyncio
from functools import partial

from benchmarks.drain import Draining
from benchmarks.measuring import GIB, measuring, parser
from benchmarks.pipeline import throwaway_pipeline


def main() -> None:
    """Measure and print."""
    with measuring("scaling", _options(), needs_bytes=2 * GIB) as run:
        chosen = run.options
        chosen.inputs = chosen.inputs or run.scaled(200_000, 20_000)
        with throwaway_pipeline("kafka", chosen.port) as pipeline:
            draining = Draining(pipeline, run)
            asyncio.run(pipeline.start_store())
            sides = {_named(count): partial(draining.once, count) for count in chosen.processors}
            run.compare(sides, to=_named(chosen.processors[0]))
        run.not_measured("processors on machines of their own")


def _named(processors: int) -> str:
    return f"{processors} processor{'s' if processors > 1 else ''}"


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--processors", type=int, nargs="+", default=[1, 2, 4], help="how many (default 1 2 4)")
    options.add_argument("--core-share", type=float, default=0.2, help="of a core for each (default 0.2)")
    options.add_argument("--inputs", type=int, help="statuses of a repetition (default 200000; short 20000)")
    options.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    options.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    return options


if __name__ == "__main__":
    main()
