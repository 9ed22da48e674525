"""The folder that has a simulated month: filled the first time, found there afterwards.

A month of up to 50 million rows is simulated. A larger one is a smaller one many times over: each room, session and
input again under a name of its own, at the same time. Days that are over are one part each, as the engine itself makes
them an hour later.
"""

import json
import shutil
from pathlib import Path
from typing import Final

from benchmarks.measuring import Run
from benchmarks.merged_days import days_of, merge
from benchmarks.pipeline import Pipeline
from benchmarks.simulated_month import fill
from storage.clock import now_ms
from storage.store import Store

_SIMULATED: Final = 50_000_000
"""Rows up to which a month is simulated whole."""
_TIMES: Final = 10
_FURTHER: Final = 10_000_000_000
"""Offsets between one time and the next."""
_TIMEOUT_S: Final = 3_600.0
_NOTE: Final = "month.json"

_AGAIN: Final = """
INSERT INTO room_events
SELECT * REPLACE (
    concat(room_id, '.', toString(time)) AS room_id,
    if(session_id = '', '', concat(session_id, '.', toString(time))) AS session_id,
    if(input_id = '', '', concat(input_id, '.', toString(time))) AS input_id,
    log_offset + time * {further:UInt64} AS log_offset,
    if(session_number = 0, 0, session_number * {times:UInt64} + time) AS session_number)
FROM room_events
ARRAY JOIN range(1, {times:UInt64}) AS time
WHERE toString(toDate(judged_at)) = {day:String} AND judged_at <= fromUnixTimestamp64Milli({end:Int64}, 'UTC')
    AND room_events.log_offset < {further:UInt64}"""


async def month_in(folder: Path, events: int, run: Run) -> int:
    """Return when the month in the folder ends, in milliseconds, after filling it if it is not there.

    What a larger one is made from is in the folder beside it that is called after its number of rows.
    """
    note = folder / _NOTE
    if note.exists():
        return int(json.loads(note.read_text())["end_ms"])
    shutil.rmtree(folder, ignore_errors=True)  # what a run that was interrupted left
    end_ms = now_ms() // 60_000 * 60_000
    if events > _SIMULATED:
        smaller = folder.parent / str(events // _TIMES)
        end_ms = await month_in(smaller, events // _TIMES, run)
        shutil.copytree(smaller, folder, ignore=_left_behind)
    else:
        folder.mkdir(parents=True)
    run.progress(f"a month of {events:,} rows")
    await _fill(folder, events, end_ms, run)
    note.write_text(json.dumps({"end_ms": end_ms}))
    return end_ms


def _left_behind(folder: str, names: list[str]) -> list[str]:
    """Return the note, and the engine's links to where the smaller month is; it makes them anew."""
    return [name for name in names if name == _NOTE or (Path(folder) / name).is_symlink()]


async def _fill(folder: Path, events: int, end_ms: int, run: Run) -> None:
    pipeline = Pipeline(folder, None)
    try:
        await pipeline.start_store()
        async with await Store.connect(pipeline.settings.store_engine_url(), timeout_s=_TIMEOUT_S) as store:
            if events > _SIMULATED:
                await _multiply(store, end_ms, run)
            else:
                await fill(store, run.options.seed, events, end_ms)
            await merge(store, (await days_of(store))[:-1], run.progress)
    finally:
        pipeline.stop()


async def _multiply(store: Store, end_ms: int, run: Run) -> None:
    for day in await days_of(store):
        run.progress(f"{day}, {_TIMES} times over")
        values = {"day": day, "times": _TIMES, "further": _FURTHER, "end": end_ms}
        await store.command(_AGAIN, values)
