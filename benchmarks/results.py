"""What a benchmark found: figures of each repetition, medians, ratios, bars; as a table and as JSON."""

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from storage.clock import now_ms

Figures = Mapping[str, float]
"""By name, each with its unit in it: `inputs per CPU second`, `memory of the store, MiB`."""

_TOLD_VERSIONS: Final = (
    *("aiokafka", "chdb", "clickhouse-connect", "fastapi", "faust-streaming", "kafka-python", "msgspec"),
    *("pyarrow", "pydantic", "uvicorn", "uvloop"),
)


class Summary(NamedTuple):
    """A figure over the repetitions."""

    median: float
    lowest: float
    highest: float


class Results:
    """Everything that one run of a benchmark found."""

    def __init__(self, benchmark: str, *, is_short: bool, options: Mapping[str, Any]) -> None:
        self.benchmark = benchmark
        self.is_short = is_short
        self.options = {
            name: value
            for name, value in options.items()
            if value is not None and not isinstance(value, Path)  # folders say nothing, and are one machine's
        }
        self.took_s = 0.0
        self.compared_to: str | None = None
        self.is_interrupted = False
        self.not_measured: list[str] = []
        self.bars: list[dict[str, Any]] = []
        self.measured_at = datetime.datetime.fromtimestamp(now_ms() / 1000, datetime.UTC).isoformat(timespec="seconds")
        self._repetitions: dict[str, list[Figures]] = {}
        self._planned: dict[str, int] = {}

    def plan(self, sides: Iterable[str], repetitions: int) -> None:
        """Note what is going to be measured, so that it can be said what was not."""
        for side in sides:
            self._planned[side] = len(self._repetitions.get(side, [])) + repetitions

    def add(self, side: str, figures: Figures) -> None:
        """Keep the figures of one repetition."""
        self._repetitions.setdefault(side, []).append(dict(figures))

    def bar(
        self, what: str, measured: float, unit: str, *, must: float | None, reach: float, is_less_better: bool
    ) -> None:
        """Hold a figure against what it must, if anything, and should reach."""
        standing = "holds" if must is None or is_within(measured, must, is_less_better) else "missed"
        self.bars.append(
            {
                "what": what,
                "unit": unit,
                "must": must,
                "reach": reach,
                "measured": measured,
                "is_less_better": is_less_better,
                "standing": "reached" if is_within(measured, reach, is_less_better) else standing,
            }
        )

    @property
    def sides(self) -> tuple[str, ...]:
        """Those that have figures."""
        return tuple(self._repetitions)

    def summary(self, side: str, figure: str) -> Summary:
        """Return the figure of one side over its repetitions.

        Raises: statistics.StatisticsError if there is none.
        """
        values = [figures[figure] for figures in self._repetitions.get(side, []) if figure in figures]
        return Summary(statistics.median(values), min(values, default=0.0), max(values, default=0.0))

    def ratio(self, side: str, figure: str, to: str) -> float:
        """Return the figure's median of one side divided by that of the other."""
        return self.summary(side, figure).median / self.summary(to, figure).median

    def text(self) -> str:
        """Return the table that people read: a block for each figure, a line for each side."""
        lines = [f"{self.benchmark}, {self.measured_at}, {self._machine_text()}, {self.took_s:.0f} s"]
        for figure, sides in self._by_figure().items():
            lines += ["", f"{figure:44}{'median':>12}{'lowest':>12}{'highest':>12}"]
            for side, summary in sides.items():
                numbers = "".join(f"{readable(value):>12}" for value in summary)
                lines.append(f"  {side:42}{numbers}{self._ratio_text(side, figure, sides)}")
        for bar in self.bars:
            lines.append(f"\n{bar['what']}: {readable(bar['measured'])} {bar['unit']}, {_bar_text(bar)}")
        lines += [f"\nnot measured: {what}" for what in self._left_out()]
        return "\n".join(lines)

    def json(self) -> str:
        """Return everything, for programs."""
        told = {
            "benchmark": self.benchmark,
            "command": f"python -m benchmarks.{self.benchmark}",
            "is_short": self.is_short,
            "is_interrupted": self.is_interrupted,
            "measured_at": self.measured_at,
            "took_s": round(self.took_s, 1),
            "machine": machine(),
            "versions": versions(),
            "options": self.options,
            "compared_to": self.compared_to,
            "figures": {
                figure: {side: summary._asdict() for side, summary in sides.items()}
                for figure, sides in self._by_figure().items()
            },
            "repetitions": self._repetitions,
            "bars": self.bars,
            "not_measured": self._left_out(),
        }
        return json.dumps(told, indent=1, default=str) + "\n"

    def _by_figure(self) -> dict[str, dict[str, Summary]]:
        found: dict[str, dict[str, Summary]] = {}
        for side, repetitions in self._repetitions.items():
            for figure in (name for figures in repetitions for name in figures):
                found.setdefault(figure, {}).setdefault(side, self.summary(side, figure))
        return found

    def _ratio_text(self, side: str, figure: str, sides: Mapping[str, Summary]) -> str:
        to = self.compared_to
        if to is None or side == to or to not in sides or not sides[to].median:
            return ""
        return f"{self.ratio(side, figure, to):10.2f} x {to}"

    def _left_out(self) -> list[str]:
        missing = [
            f"{planned - done} of {planned} repetitions of {side}"
            for side, planned in self._planned.items()
            if (done := len(self._repetitions.get(side, []))) < planned
        ]
        if self.is_interrupted and not missing:
            missing.append("what would have come after the interruption")
        return [*self.not_measured, *missing]

    def _machine_text(self) -> str:
        told = machine()
        return f"{told['cores']} cores of {told['processor']}"


def is_within(measured: float, bound: float, is_less_better: bool) -> bool:
    """Tell whether the figure is at most, or at least, that."""
    return measured <= bound if is_less_better else measured >= bound


def readable(number: float) -> str:
    """Return the number with as many digits as say something."""
    value = float(number)
    if abs(value) >= 100 or value.is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on, as far as the system tells."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_bytes / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the figures depend on."""
    found = {"python": sys.version.split()[0]}
    for name in _TOLD_VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _bar_text(bar: Mapping[str, Any]) -> str:
    sign = "at most" if bar["is_less_better"] else "at least"
    must = "" if bar["must"] is None else f"must be {sign} {readable(bar['must'])}, "
    return f"{must}to reach {readable(bar['reach'])}: {bar['standing'].upper()}"
