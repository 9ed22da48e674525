"""How many bytes a fact takes on disk: by column, projection and index, after a simulated evening.

Plays `roomstate simulate` against a whole embedded pipeline, thousands of calls that begin within three minutes, and
waits until everything is stored. Then the store is merged and packed, as an evening is by the next morning, and its
parts are measured. What each part has beside its rows weighs more in a smaller evening.
Run it as `python -m benchmarks.space`.
"""

import asyncio
import subprocess
import sys
import time
from typing import Final

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.merged_days import days_of, merge
from benchmarks.pipeline import Pipeline, throwaway_pipeline, wait_until_told
from roomstate.ports import free_port
from storage.event_log import INPUTS_TOPIC
from storage.retention import packing
from storage.store import Store

_SIDE: Final = "evening"
_TALK_S: Final = 20
"""Median length of a talk; the rows of a call do not depend on it."""
_MINUTES: Final = 3
_TIMEOUT_S: Final = 600.0

# What only a merged part tells: a small part is one file, in which columns have no size of their own.
_COLUMNS: Final = """
SELECT column, sum(column_data_compressed_bytes + column_marks_bytes) AS bytes
FROM system.parts_columns
WHERE active AND database = currentDatabase() AND table = 'room_events'
GROUP BY column
ORDER BY bytes DESC"""
_PROJECTIONS: Final = """
SELECT name, sum(bytes_on_disk) AS bytes
FROM system.projection_parts
WHERE active AND database = currentDatabase() AND table = 'room_events'
GROUP BY name
ORDER BY bytes DESC"""
_INDICES: Final = """
SELECT name, data_compressed_bytes + marks_bytes AS bytes
FROM system.data_skipping_indices
WHERE database = currentDatabase() AND table = 'room_events'
ORDER BY bytes DESC"""
_ALL: Final = """
SELECT sum(rows), sum(bytes_on_disk), count()
FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'room_events'"""


def main() -> None:
    """Play, merge, measure and print."""
    options = parser(__doc__)
    options.add_argument("--calls", type=int, help="calls of the evening (default 9000; 900 with --short)")
    with measuring("space", options, needs_bytes=GIB) as run, throwaway_pipeline() as pipeline:
        asyncio.run(_measure(run, pipeline))


async def _measure(run: Run, pipeline: Pipeline) -> None:
    await pipeline.start_store()
    async with await Store.connect(pipeline.settings.store_engine_url(), timeout_s=_TIMEOUT_S) as store:
        run.progress("the evening")
        await _simulate(pipeline, store, run.options.calls or run.scaled(9_000, 900))
        before = (await store.rows(_ALL))[0]
        run.progress("merging it")
        # A part of one file says nothing about its columns.
        await store.command("ALTER TABLE room_events MODIFY SETTING min_bytes_for_wide_part = 1")
        await store.command(f"ALTER TABLE room_events MODIFY TTL {packing(after_days=0)} SETTINGS mutations_sync = 1")
        await merge(store, await days_of(store), run.progress)
        ((rows, all_bytes, _),) = await store.rows(_ALL)
        figures = {
            "bytes an event": all_bytes / rows,
            f"bytes an event before the last merge ({before[2]} parts)": before[1] / before[0],
        }
        for what, sql in (("column", _COLUMNS), ("projection", _PROJECTIONS), ("index", _INDICES)):
            figures |= {f"{what} {name}, bytes an event": size / rows for name, size in await store.rows(sql)}
    run.record(_SIDE, figures)
    run.bar("disk per event", all_bytes / rows, "bytes", must=30, reach=20, is_less_better=True)
    run.not_measured("the log, which keeps its inputs for its own time")


async def _simulate(pipeline: Pipeline, store: Store, calls: int) -> None:
    """Let so many calls be played, wait until all that was accepted is stored, and end the processor."""
    port = free_port()
    processor = pipeline.start_processor()
    pipeline.start_ingest(port)
    await pipeline.wait_for_processors(1)
    await asyncio.to_thread(wait_until_told, f"http://127.0.0.1:{port}/healthz", "")
    options = {"calls": calls, "rate": calls / _MINUTES, "talk": _TALK_S, "seed": "evening"}
    options |= {"url": f"http://127.0.0.1:{port}", "api-token": "benchmark"}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "roomstate", "simulate", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        if await process.wait() != 0:
            raise RuntimeError("not everything that was simulated was taken")
    finally:
        if process.returncode is None:
            process.terminate()
    ends = {number: bounds.end for number, bounds in pipeline.log.bounds(INPUTS_TOPIC).items()}
    deadline_s = time.monotonic() + _TIMEOUT_S
    while await _missing(store, ends):
        if time.monotonic() > deadline_s:
            raise TimeoutError("not everything was stored")
        await asyncio.sleep(0.5)
    # Leases that end would go on writing into the day that becomes one part.
    await asyncio.to_thread(pipeline.end, processor)


async def _missing(store: Store, ends: dict[int, int]) -> bool:
    stored = dict(await store.rows("SELECT log_partition, last_offset FROM accounting"))
    return any(stored.get(number, -1) + 1 < end for number, end in ends.items())


if __name__ == "__main__":
    main()
