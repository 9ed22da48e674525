"""What is counted of a stored block, against counting it row by row."""

from collections import Counter
from random import Random
from typing import Any

import pyarrow
import pytest
from prometheus_client.parser import text_string_to_metric_families

from processors.metrics import ProcessorMetrics
from processors.stored_counts import ages_in_buckets, changes_of_live, count, groups_of
from storage.columns import COLUMN_TYPES, ROW_SCHEMA
from storage.metric_kinds import FRESH_S

STORED_AT_MS = 1_790_000_000_000
ROWS = [
    ("call", "status_judged", "diagram", ""),
    ("call", "status_judged", "violation", "counter_jump"),
    ("call", "session_opened", "", ""),
    ("call", "session_closed", "", "left"),
    ("account", "session_closed", "", "expired"),
    ("account", "session_opened", "", ""),
    ("stream", "stream_published", "", ""),
    ("call", "dead_letter", "", "not_json"),
]


def block(number: int) -> list[dict[str, Any]]:
    """Return so many rows."""
    random = Random(number)
    rows = []
    for _ in range(number):
        room_kind, fact, verdict, reason = random.choice(ROWS)
        received_ms = STORED_AT_MS - random.choice((-5, 0, 9, 10, 11, 800, 70_000, 4_000_000))
        drawn = {"log_partition": random.randrange(3), "fact_index": random.choice((0, 0, 0, 1))}
        rows.append(
            {
                **drawn,
                "room_kind": room_kind,
                "fact": fact,
                "verdict": verdict,
                "reason": reason,
                "received": received_ms,
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> pyarrow.Table:
    """Return the rows as they are inserted."""
    nothing: dict[str, Any] = {name: "" if kind == pyarrow.string() else 0 for name, kind in COLUMN_TYPES.items()}
    nothing["moved"] = False
    whole = [{**nothing, **row, "received_at": row["received"]} for row in rows]
    columns = {name: pyarrow.array([row[name] for row in whole], kind) for name, kind in COLUMN_TYPES.items()}
    return pyarrow.Table.from_pydict(columns, schema=ROW_SCHEMA)


@pytest.mark.parametrize("number", [0, 1, 7, 3000])
def test_a_block_is_counted_as_row_by_row(number: int) -> None:
    rows, metrics = block(number), ProcessorMetrics()
    inserted = table(rows)
    groups = groups_of(inserted)
    count(groups, metrics)
    metrics.freshness.add(*ages_in_buckets(inserted, STORED_AT_MS))
    told: Counter[tuple[str, ...]] = Counter()
    for family in text_string_to_metric_families(metrics.page().decode()):
        for sample in family.samples:
            told[sample.name, *sample.labels.values()] = sample.value  # type: ignore[assignment]  # whole numbers
    for room_kind, fact, _, _ in ROWS:
        kind = "none" if fact == "dead_letter" else room_kind
        expected = sum(row["fact"] == fact and row["room_kind"] == room_kind for row in rows)
        assert told["roomstate_processor_facts_total", fact, kind] == expected
    for verdict in ("diagram", "violation", "late"):
        assert told["roomstate_processor_verdicts_total", verdict] == sum(row["verdict"] == verdict for row in rows)
    assert told["roomstate_processor_leases_expired_total", "account"] == sum(
        row["reason"] == "expired" for row in rows
    )
    ages_ms = [max(STORED_AT_MS - row["received"], 0) for row in rows if row["fact_index"] == 0]
    for bound in FRESH_S:
        expected = sum(age_ms <= bound * 1000 for age_ms in ages_ms)
        assert told["roomstate_processor_freshness_seconds_bucket", str(float(bound))] == expected
    assert told["roomstate_processor_freshness_seconds_bucket", "+Inf"] == len(ages_ms)
    assert told["roomstate_processor_freshness_seconds_sum",] == pytest.approx(sum(ages_ms) / 1000)


def test_live_sessions_change_by_partition_and_kind_of_room() -> None:
    rows = block(500)
    expected: dict[int, Counter[str]] = {}
    for row in rows:
        if change := {"session_opened": 1, "session_closed": -1}.get(row["fact"], 0):
            expected.setdefault(row["log_partition"], Counter())[row["room_kind"]] += change
    assert changes_of_live(groups_of(table(rows))) == expected
