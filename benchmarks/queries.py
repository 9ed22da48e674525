"""How long each question of `dashboards/queries/` takes over a day and over a month of 1, 10 and 100 million events.

Fills the embedded store with a month that ends now (benchmarks.kept_month), lets some thousands be live, and asks each
question as a panel does: over HTTP, as the reading user. Questions without a span stand under the day. With --keep the
months stay in a folder, and a later run with the same folder asks at once. Run it as `python -m benchmarks.queries`.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from benchmarks.kept_month import month_in
from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.month_traffic import DAY_MS
from benchmarks.pipeline import Pipeline
from benchmarks.simulated_month import DAYS, fill_now
from storage.clock import now_ms
from storage.panels import Panel, panel_names, read_panel
from storage.store import Store

_TIMEOUT_S: Final = 600.0
_FULL: Final = (1_000_000, 10_000_000, 100_000_000)
_SHORT: Final = (200_000,)
_BARS: Final = {
    (10_000_000, 1): (300, 150),
    (10_000_000, DAYS): (1000, 500),
    (100_000_000, 1): (500, 200),
}
"""By events and days, the milliseconds that the slowest question must, and should, take."""
_MONTHS_UP_TO: Final = 10_000_000
"""Events of which a whole month is asked about; of more it takes more memory than a reading user's query may take."""
_STEPS: Final = 240
"""As many as a panel shows."""


def main() -> None:
    """Fill, ask and print."""
    options = parser(__doc__)
    options.add_argument(
        "--events",
        type=int,
        nargs="+",
        help=f"rows of each month, about (default {_told(_FULL)}; short {_told(_SHORT)})",
    )
    options.add_argument("--seed", default="a", help="of the month (default a)")
    options.add_argument("--keep", type=Path, help="folder that keeps the months, or has them from an earlier run")
    options.add_argument("--panels", nargs="+", choices=panel_names(), metavar="PANEL", help="which (default all)")
    chosen = options.parse_args()
    with measuring("queries", options, needs_bytes=12 * GIB) as run, _folder(chosen.keep) as folder:
        for events in sorted(chosen.events or (_SHORT if run.is_short else _FULL)):
            asyncio.run(_measure(folder / str(events), events, run))


def _told(numbers: Sequence[int]) -> str:
    return " ".join(str(number) for number in numbers)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory() as name:
        yield Path(name)


async def _measure(folder: Path, events: int, run: Run) -> None:
    end_ms = await month_in(folder, events, run)
    pipeline = Pipeline(folder, None, run.options.port)
    try:
        await pipeline.start_store()
        async with await Store.connect(pipeline.settings.store_engine_url(), timeout_s=_TIMEOUT_S) as store:
            await fill_now(store, str(now_ms()), now_ms())
            await _tell_size(store, run)
            room = await _a_room(store)
        panels = [read_panel(name) for name in run.options.panels or panel_names()]
        address = f"http://127.0.0.1:{pipeline.settings.store_port}"
        async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
            for number in range(run.repetitions + 1):
                run.progress(f"repetition {number}" if number else "warm-up")
                for panel in panels:
                    for days in _spans(panel, events):
                        took_ms = await _took_ms(http, panel, _values(panel, room, end_ms, days))
                        if number:
                            run.record(panel.name, {_figure(events, days): took_ms})
    finally:
        pipeline.stop()
    for days in (1, DAYS):
        _hold(run, [panel.name for panel in panels if days in _spans(panel, events)], events, days)
    if events > _MONTHS_UP_TO:
        run.not_measured(f"a month of {events / 1e6:g} M events, for which some questions need more than 2 GiB")


def _spans(panel: Panel, events: int) -> tuple[int, ...]:
    """Return the days that a question is asked over; one without a span of time stands under the day."""
    return (1, DAYS) if "from" in panel.parameters and events <= _MONTHS_UP_TO else (1,)


def _figure(events: int, days: int) -> str:
    return f"{'a day' if days == 1 else 'a month'} of {events / 1e6:g} M events, ms"


def _hold(run: Run, names: Sequence[str], events: int, days: int) -> None:
    """Hold the slowest question against what all have to reach with so many events."""
    if (events, days) not in _BARS or not names:
        return
    must, reach = _BARS[events, days]
    medians = {name: run.results.summary(name, _figure(events, days)).median for name in names}
    slowest = max(medians, key=lambda name: medians[name])
    within = sum(median < must for median in medians.values())
    what = f"queries over {_figure(events, days).removesuffix(', ms')}; {within} of {len(medians)} within, the slowest"
    run.bar(f"{what} ({slowest})", medians[slowest], "ms", must=must, reach=reach, is_less_better=True)


async def _tell_size(store: Store, run: Run) -> None:
    ((rows, bytes_per_row, parts),) = await store.rows(
        "SELECT sum(rows), sum(bytes_on_disk) / sum(rows), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'room_events'"
    )
    run.progress(f"{rows:,} rows in {parts} parts, {bytes_per_row:.1f} bytes on disk each")


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
