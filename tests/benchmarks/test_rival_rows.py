"""The rivals of the pipeline store the rows that the pipeline stores, or their comparison would mean nothing."""

from benchmarks.pipeline import Traffic
from benchmarks.rival_judging import COLUMNS, Judging
from storage.columns import COLUMN_TYPES
from tests.processors.builders import RULES, T0_MS, a_partition, frame_of, judged, rows

OF_THE_WRITER = {"judged_at", "epoch"}


def test_a_rival_makes_the_same_rows_of_the_same_statuses() -> None:
    traffic, judging, held = Traffic(20), Judging(RULES.call_lease_ms), a_partition()
    for offset in range(3):
        items = [traffic.next_status(T0_MS + offset * 10_000 + number) for number in range(200)]
        ours = rows(judged(*items, held=held, offset=offset))
        theirs = [dict(zip(COLUMNS, row, strict=True)) for row in judging.rows(frame_of(items).value, 0, offset)]
        assert [_comparable(row) for row in theirs] == [_comparable(row) for row in ours]


def test_a_rival_fills_every_column() -> None:
    assert set(COLUMNS) == set(COLUMN_TYPES)


def _comparable(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in OF_THE_WRITER}
