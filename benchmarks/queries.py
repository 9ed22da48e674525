"""How long each question of `dashboards/queries/` takes over a day and over a month of simulated traffic.

Fills the embedded store with a month that ends now (benchmarks.simulated_month), lets some thousands be live, and asks
each question as a panel does: over HTTP, as the reading user. Questions without a span stand under the day. With
--keep the month stays in a folder, and a later run with the same folder asks at once. Run it as
`python -m benchmarks.queries`.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.month_traffic import DAY_MS
from benchmarks.pipeline import Pipeline
from benchmarks.results import Figures
from benchmarks.simulated_month import DAYS, fill, fill_now
from storage.clock import now_ms
from storage.panels import Panel, panel_names, read_panel
from storage.store import Store

_TIMEOUT_S: Final = 600.0
_MANY: Final = 50_000_000
"""Above so many events only the day is held against a bar."""
_DAY: Final = "over a day, ms"
_MONTH: Final = "over the month, ms"
_STEPS: Final = 240
"""As many as a panel shows."""


def main() -> None:
    """Fill, ask and print."""
    options = parser(__doc__)
    options.add_argument("--events", type=int, help="rows of the month, about (default 10000000; 200000 with --short)")
    options.add_argument("--seed", default="a", help="of the month (default a)")
    options.add_argument("--keep", type=Path, help="folder that keeps the month, or has it from an earlier run")
    options.add_argument("panels", nargs="*", help="which questions (default: all)")
    chosen = options.parse_args()
    with measuring("queries", options, needs_bytes=2 * GIB) as run, _folder(chosen.keep) as folder:
        pipeline = Pipeline(folder, None)
        try:
            asyncio.run(_measure(pipeline, folder, run))
        finally:
            pipeline.stop()


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with TemporaryDirectory() as name:
        yield Path(name)


async def _measure(pipeline: Pipeline, folder: Path, run: Run) -> None:
    await pipeline.start_store()
    url = pipeline.settings.store_engine_url()
    address = f"http://127.0.0.1:{pipeline.settings.store_port}"
    async with await Store.connect(url, timeout_s=_TIMEOUT_S) as store:
        end_ms = await _month(store, folder / "month.json", run)
        await fill_now(store, str(now_ms()), now_ms())
        events = await _told_size(store, run)
        room = await _a_room(store)
    panels = [read_panel(name) for name in run.options.panels or panel_names()]
    async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
        for number in range(run.repetitions + 1):
            for panel in panels:
                run.progress(f"{f'repetition {number}' if number else 'warm-up'}: {panel.name}")
                figures = await _figures(http, panel, room, end_ms)
                if number:
                    run.record(panel.name, figures)
    _hold(run, panels, events)


async def _figures(http: httpx.AsyncClient, panel: Panel, room: tuple[str, str], end_ms: int) -> Figures:
    """Return how long the question takes; one without a span of time stands under the day."""
    figures = {_DAY: await _took_ms(http, panel, _values(panel, room, end_ms, 1))}
    if "from" in panel.parameters:
        figures[_MONTH] = await _took_ms(http, panel, _values(panel, room, end_ms, DAYS))
    return figures


def _hold(run: Run, panels: Sequence[Panel], events: int) -> None:
    """Hold the slowest question against what all have to reach with so many events."""
    bars = {_DAY: (500, 200)} if events > _MANY else {_DAY: (300, 150), _MONTH: (1000, 500)}
    for figure, (must, reach) in bars.items():
        asked = [panel.name for panel in panels if figure == _DAY or "from" in panel.parameters]
        medians = {name: run.results.summary(name, figure).median for name in asked}
        slowest = max(medians, key=lambda name: medians[name])
        within = sum(median < must for median in medians.values())
        what = f"queries: {figure.partition(',')[0]} of {events / 1e6:.1f} M events; {within} of {len(medians)} within,"
        run.bar(f"{what} the slowest ({slowest})", medians[slowest], "ms", must=must, reach=reach, is_less_better=True)


async def _month(store: Store, note: Path, run: Run) -> int:
    """Return when the month in the store ends, filling it if it is not there."""
    if note.exists():
        return int(json.loads(note.read_text())["end_ms"])
    end_ms = now_ms() // 60_000 * 60_000
    await fill(store, run.options.seed, run.options.events or run.scaled(10_000_000, 200_000), end_ms)
    note.write_text(json.dumps({"end_ms": end_ms}))
    return end_ms


async def _told_size(store: Store, run: Run) -> int:
    """Return how many rows there are."""
    ((rows, bytes_per_row, parts),) = await store.rows(
        "SELECT sum(rows), sum(bytes_on_disk) / sum(rows), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'room_events'"
    )
    run.progress(f"{rows:,} rows in {parts} parts, {bytes_per_row:.1f} bytes on disk each")
    return int(rows)


async def _a_room(store: Store) -> tuple[str, str]:
    """Return a room that had many stays, and a session in it."""
    return (
        await store.rows(
            "SELECT room_id, any(session_id) FROM sessions WHERE room_kind = 'call' GROUP BY room_id "
            "ORDER BY count() DESC LIMIT 1"
        )
    )[0]


def _values(panel: Panel, room: tuple[str, str], end_ms: int, days: int) -> dict[str, Any]:
    begin_ms = end_ms - days * DAY_MS
    is_story = panel.name in ("room_story", "room_as_of")
    return panel.values(
        {
            "from": f"{begin_ms / 1000:.3f}",
            "to": f"{end_ms / 1000:.3f}",
            "at": f"{(begin_ms + end_ms) / 2000:.3f}",
            "step_s": days * DAY_MS // 1000 // _STEPS,
            "limit": 100,
            "room": room[0] if is_story else "",
            "room_kind": "call" if is_story else "",
            "session": room[1],
        }
    )


async def _took_ms(http: httpx.AsyncClient, panel: Panel, values: dict[str, Any]) -> float:
    query = {f"param_{name}": str(value) for name, value in values.items()}
    query |= {"user": "analyst", "database": "roomstate", "default_format": "JSONCompact"}
    began = time.perf_counter()
    reply = await http.post("/", params=query, content=panel.sql.encode())
    took_ms = 1000 * (time.perf_counter() - began)
    if reply.status_code != httpx.codes.OK:
        raise RuntimeError(f"{panel.name}: {reply.text[:500]}")
    return took_ms


if __name__ == "__main__":
    main()
