"""How long each question of `dashboards/queries/` takes over a day and over a month of simulated traffic.

Fills the embedded store with a month that ends now (benchmarks.simulated_month), lets some thousands be live, and asks
each question as a panel does: over HTTP, as the reading user. Questions without a span stand under the day; ! marks
what is above its target. With --keep the month stays in a folder, and a later run with the same folder asks at once.
Run it as `python -m benchmarks.queries`.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from benchmarks.month_traffic import DAY_MS
from benchmarks.pipeline import Pipeline
from benchmarks.simulated_month import DAYS, fill, fill_now
from storage.clock import now_ms
from storage.panels import Panel, panel_names, read_panel
from storage.store import Store

_TIMEOUT_S: Final = 600.0
_DAY_TARGET_MS: Final = 300
_MONTH_TARGET_MS: Final = 1000
_STEPS: Final = 240
"""As many as a panel shows."""


def main() -> None:
    """Fill, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000, help="rows of the month, about (default 10000000)")
    parser.add_argument("--seed", default="a", help="of the month (default a)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is asked (default 5)")
    parser.add_argument("--keep", type=Path, help="folder that keeps the month, or has it from an earlier run")
    parser.add_argument("panels", nargs="*", help="which questions (default: all)")
    chosen = parser.parse_args()
    with _folder(chosen.keep) as folder:
        pipeline = Pipeline(folder, None)
        try:
            asyncio.run(_measure(pipeline, folder, chosen))
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


async def _measure(pipeline: Pipeline, folder: Path, chosen: argparse.Namespace) -> None:
    await pipeline.start_store()
    url = pipeline.settings.store_engine_url()
    address = f"http://127.0.0.1:{pipeline.settings.store_port}"
    async with await Store.connect(url, timeout_s=_TIMEOUT_S) as store:
        end_ms = await _month(store, folder / "month.json", chosen)
        await fill_now(store, str(now_ms()), now_ms())
        await _print_size(store)
        room = await _a_room(store)
    print(f"{'median of ' + str(chosen.rounds) + ' (ms)':34} {'day':>7} {'month':>7}")
    async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S) as http:
        for name in chosen.panels or panel_names():
            panel = read_panel(name)
            day_ms = await _median_ms(http, panel, _values(panel, room, end_ms, 1), chosen.rounds)
            told = f"{name:34} {_told(day_ms, _DAY_TARGET_MS)}"
            if "from" in panel.parameters:
                month_ms = await _median_ms(http, panel, _values(panel, room, end_ms, DAYS), chosen.rounds)
                told += f" {_told(month_ms, _MONTH_TARGET_MS)}"
            print(told, flush=True)


async def _month(store: Store, note: Path, chosen: argparse.Namespace) -> int:
    """Return when the month in the store ends, filling it if it is not there."""
    if note.exists():
        return int(json.loads(note.read_text())["end_ms"])
    end_ms = now_ms() // 60_000 * 60_000
    await fill(store, chosen.seed, chosen.events, end_ms)
    note.write_text(json.dumps({"end_ms": end_ms}))
    return end_ms


async def _print_size(store: Store) -> None:
    ((rows, bytes_per_row, parts),) = await store.rows(
        "SELECT sum(rows), sum(bytes_on_disk) / sum(rows), count() FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table = 'room_events'"
    )
    print(f"{rows:,} rows in {parts} parts, {bytes_per_row:.1f} bytes on disk each")


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


async def _median_ms(http: httpx.AsyncClient, panel: Panel, values: dict[str, Any], rounds: int) -> float:
    query = {f"param_{name}": str(value) for name, value in values.items()}
    query |= {"user": "analyst", "database": "roomstate", "default_format": "JSONCompact"}
    took_ms = []
    for _ in range(rounds):
        began = time.perf_counter()
        reply = await http.post("/", params=query, content=panel.sql.encode())
        took_ms.append(1000 * (time.perf_counter() - began))
        if reply.status_code != httpx.codes.OK:
            raise RuntimeError(f"{panel.name}: {reply.text[:500]}")
    return statistics.median(took_ms)


def _told(took_ms: float, target_ms: int) -> str:
    return f"{took_ms:7.0f}" + (" " if took_ms < target_ms else "!")


if __name__ == "__main__":
    main()
