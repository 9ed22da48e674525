"""What a stored block was made of, counted by columns: a block holds tens of thousands of rows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow
import pyarrow.compute

from processors.metrics import ProcessorMetrics
from storage.columns import ROW_SCHEMA
from storage.metric_kinds import FRESH_S

_KEYS = ("log_partition", "room_kind", "fact", "verdict", "reason")
_CHANGES = {"session_opened": 1, "session_closed": -1}

Group = Mapping[str, Any]
"""Values of the keys, and how many rows have them."""


def make_ready() -> None:
    """Do once, of nothing, what is done with each block: the first time takes a tenth of a second."""
    nothing = ROW_SCHEMA.empty_table()
    groups_of(nothing)
    ages_in_buckets(nothing, 0)


def groups_of(rows: pyarrow.Table) -> Sequence[Group]:
    """Return how many rows have which keys."""
    grouped = rows.group_by(list(_KEYS), use_threads=False).aggregate([([], "count_all")])
    groups: Sequence[Group] = grouped.to_pylist()
    return groups


def count(groups: Iterable[Group], metrics: ProcessorMetrics) -> None:
    """Count stored rows by what they tell."""
    for group in groups:
        number, fact, room_kind = group["count_all"], group["fact"], group["room_kind"]
        kind = "none" if fact == "dead_letter" else room_kind
        metrics.facts.labels(room_kind=kind, fact=fact).inc(number)
        if group["verdict"]:
            metrics.verdicts.labels(verdict=group["verdict"]).inc(number)
        if fact == "session_closed" and group["reason"] == "expired":
            metrics.leases_expired.labels(room_kind=room_kind).inc(number)


def changes_of_live(groups: Iterable[Group]) -> Mapping[int, Counter[str]]:
    """Return by how much the live sessions of each partition changed, by kind of room."""
    changes: dict[int, Counter[str]] = {}
    for group in groups:
        if change := _CHANGES.get(group["fact"], 0):
            changes.setdefault(group["log_partition"], Counter())[group["room_kind"]] += change * group["count_all"]
    return changes


def ages_in_buckets(rows: pyarrow.Table, stored_at_ms: int) -> tuple[Sequence[int], float]:
    """Return how many inputs are of an age in each bucket of `FRESH_S` and beyond, and the sum of their ages.

    Units: seconds.
    """
    answers = pyarrow.compute.equal(rows["fact_index"], 0)
    received_ms = rows["received_at"].filter(answers).cast(pyarrow.int64())
    ages_ms = pyarrow.compute.max_element_wise(pyarrow.compute.subtract(stored_at_ms, received_ms), 0)
    below = [pyarrow.compute.sum(pyarrow.compute.less_equal(ages_ms, bound * 1000)).as_py() or 0 for bound in FRESH_S]
    counts = [after - before for before, after in pairwise([0, *below, len(ages_ms)])]
    return counts, (pyarrow.compute.sum(ages_ms).as_py() or 0) / 1000
