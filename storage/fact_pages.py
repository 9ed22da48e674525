"""Pages of facts: chosen by narrow columns first, and ended early where their clients' texts grow too large."""

from typing import Any, Final, NamedTuple

from storage.fact_places import AFTER

TEXT_BYTES_MAX: Final = 8 * 1024 * 1024
"""A page ends before its clients' texts are longer than this together; it has one fact at least."""


class FactPage(NamedTuple):
    """A page of facts, in log order."""

    facts: list[dict[str, Any]]
    """As `room_events` has them, with what else their input did under `same_input`."""
    total: int
    """How many there are in all; 0 beyond the last page."""
    has_more: bool


NO_FACTS: Final = FactPage([], 0, has_more=False)


def places_sql(candidates: str) -> str:
    """Return the SQL of a page among the rows of a SELECT, with the number of rows `found` up to one beyond it.

    Shape: the SELECT has `place` and `text_bytes`; parameters are those of `AFTER`, and `limit` and `bytes`.
    """
    return f"""
SELECT * EXCEPT (place, text_bytes, number, bytes), max(number) OVER () AS found
FROM
(
    SELECT *, row_number() OVER (ORDER BY place) AS number, sum(text_bytes) OVER (ORDER BY place) AS bytes
    FROM (SELECT * FROM ({candidates}) WHERE place > {AFTER} ORDER BY place LIMIT {{limit:UInt32}} + 1)
)
QUALIFY number <= {{limit:UInt32}} AND (number = 1 OR bytes <= {{bytes:UInt64}})
ORDER BY place"""
