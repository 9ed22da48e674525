"""What each stage of the judged path costs a processor, in microseconds of CPU time per input.

One process does in turns what a processor does with a block, on frames that it reads from a log, and inserts into an
embedded store: read, parse, judge, rows, insert (with the compression of its body), publish, count. CPU time is this
process's own, all threads; the store's is told apart. Run it as `python -m benchmarks.stages`.
"""

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.drain import frames_of
from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.pipeline import PARTITIONS, Pipeline, Traffic, cpu_seconds, throwaway_pipeline
from benchmarks.results import Figures
from processors.block import BLOCK_INPUTS_MAX, Block
from processors.effects import Effects, Patience
from processors.partition import Partition
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice, taken_of
from processors.worker import calm_collector, rules_of
from storage.clock import now_ms
from storage.columns import LANDING_TABLE
from storage.event_log import INPUTS_TOPIC
from storage.ownership import claim
from storage.store import Store

_APPEND_S = 30.0
_READ_BYTES = 1 << 20
_SIDE = "one processor"
_MUST_US = 1e6 / 60_000
_REACH_US = 1e6 / 120_000


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--log", choices=("sqlite", "kafka"), default="sqlite", help="engine of the log")
    options.add_argument("--inputs", type=int, help="statuses of a repetition (default 200000; short 40000)")
    options.add_argument("--frame", type=int, default=100, help="statuses per frame, on average (default 100)")
    options.add_argument("--rooms", type=int, default=5_000, help="rooms that they are spread over (default 5000)")
    with measuring("stages", options, needs_bytes=GIB) as run, throwaway_pipeline(run.options.log) as pipeline:
        calm_collector()
        stages = Stages(pipeline, run)
        asyncio.run(stages.prepare())
        run.compare({_SIDE: stages.once})
        run.bar(
            "all stages, CPU time of an input",
            run.results.summary(_SIDE, "all stages, µs per input").median,
            "µs",
            must=_MUST_US,
            reach=_REACH_US,
            is_less_better=True,
        )
        run.not_measured("Faust and its consumer, which hand frames over; `benchmarks.drain` has the whole processor")


class Stages:
    """A log full of statuses, and what a processor does with them, a stage at a time."""

    def __init__(self, pipeline: Pipeline, run: Run) -> None:
        self._pipeline = pipeline
        self._inputs: int = run.options.inputs or run.scaled(200_000, 40_000)
        self._frames = list(frames_of(pipeline, self._inputs, run.options.frame, Traffic(run.options.rooms)))
        self._block_frames = max(BLOCK_INPUTS_MAX // run.options.frame, 1)
        self._rules = rules_of(pipeline.settings)
        self._used_s: defaultdict[str, float] = defaultdict(float)

    async def prepare(self) -> None:
        """Start the store and fill the log."""
        await self._pipeline.start_store()
        await asyncio.to_thread(self._pipeline.log.append, self._frames, _APPEND_S)

    def once(self) -> Figures:
        """Do it all once, and tell what each stage took."""
        self._used_s.clear()
        stored_s = cpu_seconds(self._pipeline.store_pid)
        gc.collect()
        asyncio.run(self._drained())
        stored_s = cpu_seconds(self._pipeline.store_pid) - stored_s
        each = {f"{stage}, µs per input": used_s / self._inputs * 1e6 for stage, used_s in self._used_s.items()}
        total_us = sum(each.values())
        return {**each, "all stages, µs per input": total_us, "the store, µs per input": stored_s / self._inputs * 1e6}

    async def _drained(self) -> None:
        pipeline = self._pipeline
        async with await Store.connect(pipeline.settings.store_engine_url()) as store:
            epochs = await claim(
                store, range(PARTITIONS), f"stages {time.monotonic_ns()}", pipeline.log.log_id, now_ms()
            )
            held = {number: Partition(number, epoch, 0) for number, epoch in epochs.items()}
            effects = Effects(store, pipeline.log, Patience())
            with self._stage("read"):
                frames = self._read()
            for start in range(0, len(frames), self._block_frames):
                block = self._judged(frames[start : start + self._block_frames], held)
                await self._carry_out(block, epochs, store, effects)

    def _read(self) -> list[Taken]:
        """Return every frame, the partitions in turns as a consumer has them."""
        log = self._pipeline.log
        runs: list[list[Taken]] = []
        for number, bounds in log.bounds(INPUTS_TOPIC).items():
            offset = bounds.start
            while offset < bounds.end:
                records = log.read(INPUTS_TOPIC, number, offset, _READ_BYTES)
                runs.append(taken_of(records, lambda: None))
                offset = records[-1].offset + 1
        return sorted((frame for run in runs for frame in run), key=lambda frame: (frame.offset, frame.partition))

    def _judged(self, taken: Sequence[Taken], held: dict[int, Partition]) -> Block:
        block = Block()
        with self._stage("parse"):
            slices = [decode_slice(frame, 0, BLOCK_INPUTS_MAX) for frame in taken]
        with self._stage("judge"):
            for part in slices:
                judge(part, held[part.frame.partition], PARTITIONS, self._rules, block)
        return block

    async def _carry_out(self, block: Block, epochs: dict[int, int], store: Store, effects: Effects) -> None:
        with self._stage("rows"):
            rows = rows_of(block, epochs, now_ms())
        with self._stage("insert"):
            await store.insert(LANDING_TABLE, rows)
        with self._stage("publish"):
            await effects.publish(block.decisions)
        with self._stage("count"):
            effects.count(rows, now_ms())

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        begun_s = time.process_time()
        yield
        self._used_s[name] += time.process_time() - begun_s


if __name__ == "__main__":
    main()
