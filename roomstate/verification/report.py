"""A verification as a person reads it: one line with the verdict, then a table of what was found and where."""

from collections.abc import Iterator
from typing import Final

from rich.table import Table

from roomstate.verification.result import DIFFERENCES, REMARKS, Verification

_ROWS_MAX: Final = 40
"""Ranges of one sort and partition that are shown; the rest is counted."""


def verdict(result: Verification) -> str:
    """Return the one line that says how it stands."""
    totals = result.totals
    differences = [f"{count} {sort}" for sort, count in totals.items() if sort in DIFFERENCES]
    remarks = [f"{count} {sort}" for sort, count in totals.items() if sort in REMARKS]
    frames = sum(partition.frames for partition in result.partitions)
    inputs = f"{result.equal} of {result.inputs} inputs in {frames} frames are in the store, once and in the same words"
    aside = f"; besides {_listed(remarks)}" if remarks else ""
    return f"equal: {inputs}{aside}" if result.is_equal else f"NOT EQUAL: {_listed(differences)}; {inputs}{aside}"


def meanings(result: Verification) -> Iterator[str]:
    """Yield what each sort that was found means, and what could not be compared."""
    for sort in result.totals:
        yield f"{sort}: {DIFFERENCES.get(sort) or REMARKS[sort]}"
    older = sum(partition.older for partition in result.partitions)
    if older:
        yield (
            f"The store also has {older} inputs from before the log's beginning;"
            " there is nothing left to compare them with."
        )


def table(result: Verification) -> Table | None:
    """Return the table of ranges, or None if nothing was found."""
    found = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (("finding", "left"), ("partition", "right"), ("offsets", "left"), ("indexes", "left")):
        found.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    found.add_column("inputs", justify="right", no_wrap=True)
    found.add_column("what")
    for sort, partition, finding in result.each():
        for each in finding.ranges[:_ROWS_MAX]:
            found.add_row(sort, str(partition), each.offsets, each.index_range, str(each.inputs), each.note)
        shown = sum(each.inputs for each in finding.ranges[:_ROWS_MAX])
        if shown < finding.inputs:
            found.add_row(sort, str(partition), "and further ones", "", str(finding.inputs - shown), "")
    return found if found.row_count else None


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
