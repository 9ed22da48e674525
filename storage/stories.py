"""The SQL behind the native reads of rooms: what befell one, its stays, the list of all.

Whatever may be long comes in pages. Facts stand in the order of the log, and a page goes on after the place of the last
fact of the page before; stays stand in the order of their openings. Rows come back by column name, times as aware UTC
datetimes. Source: interfaces, Native HTTP and Views.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from storage.fact_pages import NO_FACTS, TEXT_BYTES_MAX, FactPage, places_sql
from storage.fact_places import AFTER, PLACE, UNTIL, Place, after_parameters, place_of, until_parameters
from storage.reading import Rows, decoded_extra
from storage.same_inputs import facts_of_same_inputs, siblings_of


class StayPlace(NamedTuple):
    """Where a stay stands in its room: when it opened, and whose it is."""

    opened_at_ms: int
    session: str


FACT_COLUMNS: Final = """room_kind, room_id, at, fact, kind, event, event_family, verdict, reason, rule_version, moved,
    state, connections, send_streams, recv_streams, prev_state, prev_connections, prev_send_streams, prev_recv_streams,
    prev_since, opened_at, lease_ends_at, user_id, client_seq, input_id, occurred_at, received_at, judged_at,
    inserted_at, log_partition, log_offset, log_index, fact_index, user_agent, device_type, app, service, extra"""
_OF_THE_ROOM: Final = """room_kind = {room_kind:String} AND room_id = {room:String} AND session_id = ''
    AND kind != 'register'"""
_PAGE: Final = places_sql(f"""
SELECT {PLACE} AS place, log_partition, log_offset, log_index, fact_index, length(extra) AS text_bytes,
    count() OVER () AS total
FROM room_events
WHERE {_OF_THE_ROOM}""")
_OF_THE_PAGE: Final = f"{_OF_THE_ROOM} AND {PLACE} > {AFTER} AND {PLACE} <= {UNTIL}"


async def room_facts(store: Rows, room_kind: str, room: str, limit: int, after: Place | None) -> FactPage:
    """Return facts about the room itself, in log order, each with what else its input did under `same_input`."""
    beginning = {"room_kind": room_kind, "room": room, **after_parameters(after)}
    places = await store.dicts(_PAGE, {**beginning, "limit": limit, "bytes": TEXT_BYTES_MAX})
    if not places:
        return NO_FACTS
    bounds = {**beginning, **until_parameters(place_of(places[-1]))}
    rows, siblings = await asyncio.gather(
        store.dicts(f"SELECT {FACT_COLUMNS} FROM room_events WHERE {_OF_THE_PAGE} ORDER BY {PLACE}", bounds),
        facts_of_same_inputs(store, _OF_THE_PAGE, bounds),
    )
    facts = [{**row, "extra": decoded_extra(row["extra"]), "same_input": siblings_of(siblings, row)} for row in rows]
    return FactPage(facts, places[0]["total"], has_more=places[0]["found"] > len(places))


async def room_stays(
    store: Rows, room_kind: str, room: str, limit: int, after: StayPlace | None
) -> Sequence[dict[str, Any]]:
    """Return stays in the room, by opening."""
    opened_at_ms, session = after or StayPlace(-1, "")
    return await store.dicts(
        """
        SELECT * EXCEPT (room_kind, room_id) FROM sessions
        WHERE room_kind = {room_kind:String} AND room_id = {room:String}
          AND (toUnixTimestamp64Milli(opened_at), session_id) > ({opened_at_ms:Int64}, {session:String})
        ORDER BY opened_at, session_id
        LIMIT {limit:UInt32}
        """,
        {"room_kind": room_kind, "room": room, "limit": limit, "opened_at_ms": opened_at_ms, "session": session},
    )


def stay_place_of(stay: dict[str, Any]) -> StayPlace:
    """Return where a stay that was read stands."""
    opened_at: datetime = stay["opened_at"]
    return StayPlace(round(opened_at.timestamp() * 1000), stay["session_id"])


async def live_room_list(store: Rows, room_kind: str, limit: int, after: str) -> Sequence[dict[str, Any]]:
    """Return the rooms with a live session, by name; `after` is the last name of the page before."""
    return await store.dicts(
        """
        SELECT room_kind, room_id AS room, count() AS sessions, min(opened_at) AS first_opened_at,
               max(last_seen_at) AS last_seen_at
        FROM live_sessions
        WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String}) AND room_id > {after:String}
        GROUP BY room_kind, room_id
        ORDER BY room_id, room_kind
        LIMIT {limit:UInt32}
        """,
        {"room_kind": room_kind, "limit": limit, "after": after},
    )


async def room_list(store: Rows, room_kind: str, limit: int, after: str) -> Sequence[dict[str, Any]]:
    """Return every room that ever had a session, by name."""
    return await store.dicts(
        """
        SELECT room_kind, room_id AS room, count() AS sessions, countIf(closed_at IS NULL) AS open_sessions,
               min(opened_at) AS first_opened_at, max(closed_at) AS last_closed_at
        FROM sessions
        WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String}) AND room_id > {after:String}
        GROUP BY room_kind, room_id
        ORDER BY room_id, room_kind
        LIMIT {limit:UInt32}
        """,
        {"room_kind": room_kind, "limit": limit, "after": after},
    )
