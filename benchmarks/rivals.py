"""What draining logged statuses into the store costs: ours, and what somebody could write instead.

All sides read the same statuses from one Kafka broker, judge them with the same state machine, and store the same rows
in a table of the same columns and projections in the same embedded store: a single process each, one side at a time.

* ours: the processor, reading the frames that ingest logs; inserts through the gate.
* plain Faust: one message a status, judged one by one, inserted ten thousand rows at a time.
* Faust with take: the same with `take(1000)`, inserted as taken.
* by hand: aiokafka and clickhouse-connect in one loop, one message a status, ten thousand at a time; and the same on
  our frames of a hundred, which shows how much of the gain is the frames'.
* the engine alone: ClickHouse's own insert of the same lines as JSONEachRow in blocks as large as its Kafka table
  makes them; nothing is judged. Its CPU time is the store's, as there is no other process.

Only ours stores exactly once, fences a process that lost its partition, restores its rooms after a restart, publishes
decisions and expires leases. A rival that is killed loses its rooms and stores up to a batch twice.
Run it as `python -m benchmarks.rivals`.
"""

import argparse
import asyncio
from functools import partial

from benchmarks.drain import Draining
from benchmarks.measuring import GIB, Run, Side, measuring, parser
from benchmarks.pipeline import throwaway_pipeline
from benchmarks.rival_sides import Engine, Rivals

_OURS = "ours"
_PLAIN = "plain Faust"
_TAKE = "Faust with take(1000)"
_BY_HAND = "by hand, a message a status"
_FRAMES = "by hand, on frames"
_ENGINE = "the engine's JSONEachRow, not judged"
_PER_CPU = "inputs per CPU second of the processors"


def main() -> None:
    """Measure and print."""
    with measuring("rivals", _options(), needs_bytes=6 * GIB) as run:
        run.options.inputs = run.options.inputs or run.scaled(1_000_000, 20_000)
        with throwaway_pipeline("kafka", run.options.port) as pipeline:
            asyncio.run(pipeline.start_store())
            run.progress("making and logging the statuses")
            draining = Draining(pipeline, run)
            rivals = Rivals(pipeline, draining.frames)
            engine = Engine(pipeline, draining.frames)
            sides: dict[str, Side] = {
                _PLAIN: partial(rivals.drained, "rival_faust", 1),
                _TAKE: partial(rivals.drained, "rival_faust", 1000),
                _BY_HAND: partial(rivals.drained, "rival_by_hand", None),
                _FRAMES: partial(rivals.drained, "rival_by_hand", None, are_frames=True),
                _ENGINE: engine.inserted,
                _OURS: partial(draining.once, 1),
            }
            chosen = {name: side for name, side in sides.items() if name in run.options.sides}
            # A repetition takes minutes and starts its process anew; broker and store are warm from the others.
            run.compare(chosen, to=_PLAIN, cold=(_PLAIN,))
        _say_what_holds(run)


def _options() -> argparse.ArgumentParser:
    names = (_PLAIN, _TAKE, _BY_HAND, _FRAMES, _ENGINE, _OURS)
    options = parser(__doc__)
    options.add_argument("--inputs", type=int, help="statuses of a repetition (default 1000000; short 20000)")
    options.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    options.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    options.add_argument("--sides", nargs="+", choices=names, default=names, help="which (default all)")
    options.set_defaults(core_share=1.0)
    return options


def _say_what_holds(run: Run) -> None:
    results = run.results
    for rival, must in ((_PLAIN, 10.0), (_TAKE, 3.0)):
        if {rival, _OURS} <= set(run.options.sides):
            ratio = results.ratio(_OURS, _PER_CPU, rival)
            run.bar(f"drain, per processor core, over {rival}", ratio, "x", must=must, reach=must, is_less_better=False)
    if _OURS in run.options.sides:
        ours = results.summary(_OURS, _PER_CPU).median
        run.bar("drain, per processor core", ours, "inputs/s", must=None, reach=120_000, is_less_better=False)
    run.not_measured(
        "ClickHouse's Kafka table itself: the embedded engine has none; its insert of the same bytes instead"
    )
    run.not_measured("what rivals lack: exactly once, fencing, restoring, published decisions, leases")


if __name__ == "__main__":
    main()
