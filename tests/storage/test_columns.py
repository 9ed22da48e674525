"""Columns made from lists: the same as Arrow makes of them itself, and as unwilling."""

from typing import Any

import pyarrow
import pytest

from storage.columns import TIME, column_of

COLUMNS: list[tuple[pyarrow.DataType, list[Any]]] = [
    (pyarrow.uint16(), [0, 1, 65535]),
    (pyarrow.uint32(), [7, 0, (1 << 32) - 1]),
    (pyarrow.uint64(), [1, 1 << 63, (1 << 64) - 1]),
    (TIME, [0, 1_790_000_000_000, 9_000_000_000_000]),
    (TIME, [-1, 1_790_000_000_000]),
    (pyarrow.string(), ["", "a", "жü", "\x00"]),
    *((kind, [0, 0]) for kind in (pyarrow.uint16(), pyarrow.uint32(), pyarrow.uint64(), TIME)),
    (pyarrow.string(), ["", ""]),
]


@pytest.mark.parametrize(("kind", "values"), COLUMNS)
def test_a_column_is_what_arrow_makes_of_the_values(kind: pyarrow.DataType, values: list[Any]) -> None:
    column = column_of(kind, values)
    assert column.equals(pyarrow.array(values, kind))
    assert column.type == kind
    assert column.null_count == 0


@pytest.mark.parametrize(("kind", "value"), [(pyarrow.uint16(), 65536), (pyarrow.uint32(), 1 << 32)])
def test_a_number_that_a_column_does_not_hold_is_refused(kind: pyarrow.DataType, value: int) -> None:
    with pytest.raises(pyarrow.ArrowInvalid):
        column_of(kind, [1, value])
