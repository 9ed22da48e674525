"""The SQL that finds what else an input did: whom a kill ended, who gave way, whose input found a lease over."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from storage.fact_places import place_of
from storage.reading import Rows

TOLD_MAX: Final = 10
"""So many facts of one input are told; how many there are is told too."""

_INPUT: Final = "log_partition, log_offset, log_index"
_CONCERNS_OTHERS: Final = "(fact_index > 0 OR kind IN ('open', 'kill', 'room_delete'))"

Siblings = Mapping[tuple[int, int, int], Sequence[dict[str, Any]]]
"""By the input's place: its facts, the answer first."""


async def facts_of_same_inputs(store: Rows, condition: str, parameters: Mapping[str, Any]) -> Siblings:
    """Return the facts of those inputs that gave the rows of the condition and may concern somebody else."""
    rows = await store.dicts(
        f"""
        SELECT {_INPUT}, fact_index, kind, fact, reason, session_id, user_id,
               count() OVER (PARTITION BY {_INPUT}) AS facts
        FROM room_events
        WHERE (room_kind, room_id) IN
            (SELECT room_kind, room_id FROM room_events WHERE {condition} AND {_CONCERNS_OTHERS})
          AND ({_INPUT}) IN (SELECT {_INPUT} FROM room_events WHERE {condition} AND {_CONCERNS_OTHERS})
        ORDER BY {_INPUT}, fact_index
        LIMIT {TOLD_MAX + 1} BY {_INPUT}
        """,
        parameters,
    )
    found: dict[tuple[int, int, int], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["log_partition"], row["log_offset"], row["log_index"]), []).append(row)
    return found


def siblings_of(siblings: Siblings, fact: dict[str, Any]) -> dict[str, Any]:
    """Return what else the fact's input did: how many other facts it gave, and the first of them."""
    place = place_of(fact)
    every = siblings.get(place[:3], ())
    others = [
        {
            "place": str(place_of(row)),
            **{name: row[name] for name in ("kind", "fact", "reason", "session_id", "user_id")},
        }
        for row in every
        if place_of(row) != place
    ]
    return {"facts": every[0]["facts"] - 1 if every else 0, "told": others[:TOLD_MAX]}
