"""What benchmarks/soak.py looks at meanwhile: memory of every process, the account, and what the store holds."""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx

from benchmarks.pipeline import memory_bytes
from benchmarks.running_pipeline import API_TOKEN, Running

_EVERY_S: Final = 2.0
_SETTLED_FROM: Final = 3
"""The first third of a phase is not looked at for growth: caches fill, buffers find their size."""
_STATUSES: Final = "SELECT count() FROM room_events WHERE kind = 'status' AND fact_index = 0 FORMAT TSV"


class Sample(NamedTuple):
    """How things stood at one moment."""

    at_s: float
    pending: int
    memory_mib: dict[str, float]
    """By process: the command's last words and which of them it is."""


class Watch:
    """Looks at a running pipeline."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._http = httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {API_TOKEN}"})

    async def account(self) -> dict[str, Any]:
        """Return the account, asked again while the edge is too busy to tell."""
        while True:
            try:
                reply = await self._http.get(f"http://127.0.0.1:{self._running.port}/v1/accounting")
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code == httpx.codes.OK:
                return dict(reply.json())
            await asyncio.sleep(0.5)

    async def samples(self, seconds: float) -> list[Sample]:
        """Return a sample every two seconds, for so long."""
        begun_s = time.monotonic()
        found: list[Sample] = []
        while (elapsed_s := time.monotonic() - begun_s) < seconds or not found:
            await asyncio.sleep(min(_EVERY_S, max(seconds - elapsed_s, 0.1)))
            pending = (await self.account())["pending"]
            memory_mib = {
                name: memory_bytes(pid) / (1 << 20) for name, pid in named_processes(self._running.pid).items()
            }
            found.append(Sample(time.monotonic(), pending, memory_mib))
        return found

    async def wait_until_stored(self, seconds: float) -> None:
        """Wait until nothing is pending."""
        async with asyncio.timeout(seconds):
            while (await self.account())["pending"]:
                await asyncio.sleep(0.2)

    async def stored_statuses(self) -> int:
        """Return how many statuses the store holds."""
        url = f"http://127.0.0.1:{self._running.store_port}/"
        reply = await self._http.get(
            url, params={"query": _STATUSES, "database": "roomstate"}, headers={"Authorization": ""}
        )
        return int(reply.raise_for_status().text)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()


def named_processes(pid: int) -> dict[str, int]:
    """Return the process and all below it, each by what it is."""
    found: dict[str, int] = {}
    for each in _with_children(pid):
        words = Path(f"/proc/{each}/cmdline").read_text().split("\0")
        name = words[words.index("roomstate") + 1] if "roomstate" in words else Path(words[0]).name
        found[name if name not in found else f"{name} {each}"] = each
    return found


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _with_children(int(child))


def slope_per_hour(values: Sequence[tuple[float, float]]) -> float:
    """Return by how much the values grow in an hour, by the line that fits all but the first third best.

    Shape: pairs of seconds and value.
    """
    settled = values[len(values) // _SETTLED_FROM :]
    if len(settled) < _SETTLED_FROM:
        return 0.0
    return statistics.linear_regression(*zip(*settled, strict=True)).slope * 3600
