"""The SQL behind a session's story: which facts a page holds, what was known before each, what else its input did.

What was known is of the same stay, from whatever page. Times come back as aware UTC datetimes; one that there was none
of as NULL.
Source: interfaces, Native HTTP; design section 4 (what statuses are judged by).
"""

import asyncio
from typing import Any, Final

from storage.fact_pages import NO_FACTS, TEXT_BYTES_MAX, FactPage, places_sql
from storage.fact_places import AFTER, PLACE, UNTIL, Place, after_parameters, place_of, until_parameters
from storage.reading import Rows, decoded_extra
from storage.same_inputs import facts_of_same_inputs, siblings_of
from storage.stories import FACT_COLUMNS

_NONE: Final = "toDateTime64(0, 3, 'UTC')"
_RAISES_SEQ: Final = "fact = 'status_judged' AND verdict NOT IN ('duplicate', 'late')"
_KNOWN: Final = f"""
SELECT {PLACE} AS place, log_partition, log_offset, log_index, fact_index,
    length(extra) + length(event) + length(user_agent) AS text_bytes,
    count() OVER () AS total,
    opened_at > {_NONE} AS is_of_stay,
    count() OVER stay AS facts,
    maxIf(client_seq, {_RAISES_SEQ}) OVER stay AS highest_seq,
    nullIf(anyLastIf(lease_ends_at, lease_ends_at != {_NONE}) OVER stay, {_NONE}) AS lease_ends_at,
    nullIf(anyLastIf(at, fact = 'session_closed') OVER stay, {_NONE}) AS closed_at,
    anyLastIf(reason, fact = 'session_closed') OVER stay AS close_reason,
    countIf(verdict != 'duplicate' AND reason != 'duplicate') OVER same_id AS times_sent,
    anyLastIf((log_partition, log_offset, log_index, fact_index), verdict != 'duplicate' AND reason != 'duplicate')
        OVER same_id AS sent_before
FROM room_events
WHERE session_id = {{session:String}}
WINDOW
    stay AS (PARTITION BY room_kind, room_id, opened_at ORDER BY {PLACE}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
    same_id AS (PARTITION BY room_kind, room_id, fact_index = 0, input_id,
        if(kind = 'status', toUnixTimestamp64Milli(opened_at), 0) ORDER BY {PLACE}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"""
_PAGE: Final = places_sql(_KNOWN)
_OF_THE_PAGE: Final = f"session_id = {{session:String}} AND {PLACE} > {AFTER} AND {PLACE} <= {UNTIL}"


async def session_page(store: Rows, session: str, limit: int, after: Place | None) -> FactPage:
    """Return facts of the session, in whatever rooms, in log order.

    Shape: each has what was `known` before it (None where it is of no stay), and under `same_input` what else its
    input did, where somebody else may be concerned.
    """
    beginning = after_parameters(after)
    places = await store.dicts(_PAGE, {"session": session, "limit": limit, "bytes": TEXT_BYTES_MAX, **beginning})
    if not places:
        return NO_FACTS
    bounds = {"session": session, **beginning, **until_parameters(place_of(places[-1]))}
    rows, siblings = await asyncio.gather(
        store.dicts(f"SELECT {FACT_COLUMNS} FROM room_events WHERE {_OF_THE_PAGE} ORDER BY {PLACE}", bounds),
        facts_of_same_inputs(store, _OF_THE_PAGE, bounds),
    )
    by_place = {place_of(row): row for row in rows}
    facts = [
        {**row, "extra": decoded_extra(row["extra"]), "known": _known(place), "same_input": siblings_of(siblings, row)}
        for place in places
        if (row := by_place.get(place_of(place)))
    ]
    return FactPage(facts, places[0]["total"], has_more=places[0]["found"] > len(places))


def _known(row: dict[str, Any]) -> dict[str, Any]:
    of_stay = ("facts", "highest_seq", "lease_ends_at", "closed_at", "close_reason") if row["is_of_stay"] else ()
    sent_before = Place(*row["sent_before"]) if row["times_sent"] else None
    return {**{name: row[name] for name in of_stay}, "sent_before": sent_before}
