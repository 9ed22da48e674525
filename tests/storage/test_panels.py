"""Every question: that it is well-formed, and answered whatever the store holds."""

from typing import Any

import pytest

from storage.panels import panel_names, read_panel
from storage.store import Store
from tests.storage.rows_builder import NOON_MS, put
from tests.storage.test_cluster import some_rows

HOUR_MS = 3_600_000
GIVEN = {"step_s": 60, "limit": 10, "session": "s1", "room": "room 1", "at": "1790000000.000"}
TYPES = {
    "from": "DateTime64(3, 'UTC')",
    "to": "DateTime64(3, 'UTC')",
    "at": "DateTime64(3, 'UTC')",
    "step_s": "UInt32",
    "limit": "UInt32",
    **dict.fromkeys(("room_kind", "room", "user_agent", "session"), "String"),
}


def span(from_ms: float, to_ms: float) -> dict[str, Any]:
    return {"from": f"{from_ms / 1000:.3f}", "to": f"{to_ms / 1000:.3f}"}


def test_a_question_says_its_unit_and_its_parameters() -> None:
    for name in panel_names():
        panel = read_panel(name)
        assert "(" in panel.meaning, name
        assert panel.parameters.items() <= TYPES.items(), name
        (told,) = [line for line in panel.sql.splitlines() if line.startswith("-- Parameters: ")]
        assert all(parameter in told for parameter in panel.parameters), name
        assert all(len(line) <= 120 for line in panel.sql.splitlines()), name


@pytest.mark.parametrize("name", ["", "../queries/calls", "calls.sql", "nonsense", "calls\n"])
def test_what_is_no_question_is_not_read(name: str) -> None:
    with pytest.raises(OSError, match=r"panel|No such file"):
        read_panel(name)


async def test_an_empty_store_answers_without_an_error(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        for name in panel_names():
            panel = read_panel(name)
            for given in (span(NOON_MS - HOUR_MS, NOON_MS), span(NOON_MS, NOON_MS - HOUR_MS), span(9e12, 9.1e12)):
                rows = await store.rows(panel.sql, panel.values(GIVEN | given | {"room": ""}))
                assert "nan" not in repr(rows), f"{name} of {given}"


async def test_a_filter_for_something_that_is_not_there_is_answered(store_database: str) -> None:
    nobody = {"room_kind": "no'kind", "room": "no \\ room", "user_agent": "{no:UInt8}"}
    given = GIVEN | span(NOON_MS - HOUR_MS, NOON_MS + HOUR_MS) | nobody
    async with await Store.connect(store_database) as store:
        await put(store, some_rows(1))
        for name in panel_names():
            panel = read_panel(name)
            await store.rows(panel.sql, panel.values(given))
