"""docs/performance.md: its tables are what the writer makes of the results that lie beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.performance_page import (
    BENCHMARKS,
    ORDER,
    PAGE,
    RESULTS,
    ROOT,
    bars_text,
    page_with,
    read_results,
    write_page,
)
from benchmarks.results import Results

WITHOUT = "\n".join(f"<!-- {name} -->\n<!-- end -->" for name in ("bars", *ORDER))


def found() -> dict[str, Any]:
    """Return results of a drain of two sides, as a program reads them."""
    results = Results("drain", is_short=False, options={})
    results.compared_to = "plain"
    for side, numbers in {"plain": (900, 1000, 1100), "ours": (14_000, 12_000, 13_000)}.items():
        for number in numbers:
            results.add(side, {"inputs per CPU second": number})
    results.bar("drain over plain", 13.0, "x", must=10, reach=12, is_less_better=False)
    results.not_measured.append("a network")
    written: dict[str, Any] = json.loads(results.json())
    return written


def test_the_page_is_what_the_writer_makes_of_the_results() -> None:
    assert PAGE.read_text() == page_with(PAGE.read_text(), read_results(RESULTS))


def test_the_results_beside_the_page_are_of_whole_runs_and_name_no_folder() -> None:
    for file in sorted(RESULTS.glob("*.json")):
        assert file.stem in ORDER
        result = json.loads(file.read_text())
        assert not result["is_interrupted"], file.name
        assert not [value for value in result["options"].values() if str(value).startswith("/")], file.name


def test_every_benchmark_of_the_common_form_is_in_the_round() -> None:
    in_form = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "with measuring(" in path.read_text()}
    assert in_form - {"measuring"} <= set(BENCHMARKS)
    for name in BENCHMARKS:
        assert 'if __name__ == "__main__":' in (ROOT / "benchmarks" / f"{name}.py").read_text(), name


def test_a_table_has_medians_ratios_and_what_is_left_out() -> None:
    text = page_with(WITHOUT, {"drain": found()})
    assert "`python -m benchmarks.drain`, " in text
    assert "| inputs per CPU second: ours | 13,000 | 12,000 | 14,000 | 13.00 |" in text
    assert "| drain over plain | ≥ 10 x | ≥ 12 x | 13 x | reached |" in text
    assert "Not measured: a network." in text
    assert "Not measured yet: `python -m benchmarks.joins " in text


@pytest.mark.parametrize(
    ("measured", "must", "is_less_better", "standing"),
    [
        (13, 10, False, "reached"),
        (11, 10, False, "holds"),
        (9, 10, False, "**missed**"),
        (11, 14, True, "reached"),
        (13, 14, True, "holds"),
        (15, 14, True, "**missed**"),
        (11, None, False, "holds"),
    ],
)
def test_a_bar_says_how_it_stands(measured: float, must: float | None, is_less_better: bool, standing: str) -> None:
    results = Results("drain", is_short=False, options={})
    results.bar("it", measured, "x", must=must, reach=12, is_less_better=is_less_better)
    assert bars_text({"drain": json.loads(results.json())}).endswith(f"| {measured} x | {standing} |")


def test_a_table_that_nobody_fills_is_refused() -> None:
    with pytest.raises(ValueError, match="the page has tables of"):
        page_with(WITHOUT + "\n<!-- nobody -->\n<!-- end -->", {})


def test_writing_twice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text(WITHOUT)
    monkeypatch.setattr("benchmarks.performance_page.PAGE", page)
    write_page()
    once = page.read_text()
    write_page()
    assert page.read_text() == once
