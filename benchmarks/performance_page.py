"""Writes the tables of docs/performance.md from the results that benchmarks left in docs/performance/.

What people wrote stays; between `<!-- NAME -->` and `<!-- end -->` everything is written anew: the bars, or one
benchmark's figures with its machine, its versions and how to repeat it. Run it as
`python -m benchmarks.performance_page`, after a benchmark was repeated with `--json docs/performance/NAME.json`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.results import readable

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = ROOT / "docs" / "performance"
ORDER: Final = (
    *("ingest", "rivals", "drain", "stages", "scaling", "freshness", "joins", "space", "restart", "queries"),
    *("verify", "takeover", "simulation", "sessions", "streams", "live_page", "soak"),
)
"""In which benchmarks run and are told of."""
BENCHMARKS: Final = tuple(
    name
    for name in ORDER
    if (file := ROOT / "benchmarks" / f"{name}.py").is_file() and "measuring(" in file.read_text()
)
"""Those of the common form."""
_BARS: Final = "bars"
_STANDINGS: Final = {"reached": "reached", "holds": "holds", "missed": "**missed**"}
_BLOCK: Final = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)

Results = Mapping[str, Mapping[str, Any]]
"""By benchmark, as benchmarks/results.py writes them."""


def write_page() -> None:
    """Write every table again from what is in docs/performance/."""
    PAGE.write_text(page_with(PAGE.read_text(), read_results(RESULTS)))


def read_results(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return what is in the folder, in the order of the benchmarks."""
    files = [folder / f"{name}.json" for name in ORDER]
    return {file.stem: json.loads(file.read_text()) for file in files if file.is_file()}


def page_with(text: str, results: Results) -> str:
    """Return the page's text with its tables from the results.

    Raises: ValueError if the page has a table that no benchmark fills, or misses one, or has one twice.
    """
    found, expected = _BLOCK.findall(text), [_BARS, *ORDER]
    if sorted(found) != sorted(expected):
        raise ValueError(f"the page has tables of {found}, and should have one of each of {expected}")
    return _BLOCK.sub(lambda block: f"<!-- {block[1]} -->\n{_table(block[1], results)}\n<!-- end -->", text)


def bars_text(results: Results) -> str:
    """Return the bars as a table of Markdown."""
    lines = ["| work | must | reach for | measured | |", "|---|---|---|---|---|"]
    for each in results.values():
        for bar in each["bars"]:
            sign = "≤" if bar["is_less_better"] else "≥"
            must = "" if bar["must"] is None else f"{sign} {readable(bar['must'])} {bar['unit']}"
            reach = f"{sign} {readable(bar['reach'])} {bar['unit']}"
            measured = f"{readable(bar['measured'])} {bar['unit']}"
            lines.append(f"| {bar['what']} | {must} | {reach} | {measured} | {_STANDINGS[bar['standing']]} |")
    return "\n".join(lines)


def _table(name: str, results: Results) -> str:
    if name == _BARS:
        return bars_text(results) if results else "Nothing is measured yet: `make bench FULL=1`."
    if name not in results:
        return f"Not measured yet: `python -m benchmarks.{name} --json docs/performance/{name}.json`."
    return _figures_text(results[name])


def _figures_text(result: Mapping[str, Any]) -> str:
    to = result["compared_to"]
    ratio = f" {to} = 1 |" if to else ""
    lines = [
        _origin_text(result),
        "",
        f"| | median | lowest | highest |{ratio}",
        f"|---|---|---|---|{'---|' if to else ''}",
    ]
    for figure, sides in result["figures"].items():
        for side, summary in sides.items():
            of = _ratio_text(summary, sides.get(to)) if to else ""
            numbers = " | ".join(readable(summary[name]) for name in ("median", "lowest", "highest"))
            lines.append(f"| {figure}: {side} | {numbers} |{of}")
    lines += [f"\nNot measured: {what}." for what in result["not_measured"]]
    return "\n".join(lines)


def _ratio_text(summary: Mapping[str, float], to: Mapping[str, float] | None) -> str:
    return f" {summary['median'] / to['median']:.2f} |" if to and to["median"] else " |"


def _origin_text(result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    short = " --short" if result["is_short"] else ""
    return (
        f"`{result['command']}{short}`, {result['measured_at'][:10]}, {result['took_s']:.0f} s, on {machine['cores']}"
        f" cores of {machine['processor']}, {machine['memory_gib']} GiB, {machine['system']}; {versions}."
    )


if __name__ == "__main__":
    write_page()
