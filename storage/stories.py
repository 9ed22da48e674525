"""The SQL behind the native reads: a session's facts, a room with its stays, the list of rooms.

Rows come back by column name, times as aware UTC datetimes. Source: interfaces, Native HTTP and Views.
"""

from collections.abc import Sequence
from typing import Any, Final

from storage.reading import Rows, decoded_extra

_FACTS_MAX: Final = 10_000
_STAYS_MAX: Final = 10_000
_LOG_ORDER: Final = "log_offset, log_index, fact_index = 0, fact_index"


async def session_facts(store: Rows, session: str) -> list[dict[str, Any]]:
    """Return every fact of the session, in whatever rooms, in log order; the first 10,000 if there are more."""
    found = await store.dicts(
        f"""
        SELECT room_kind, room_id, at, fact, kind, event, event_family, verdict, reason, rule_version, moved,
               state, connections, send_streams, recv_streams,
               prev_state, prev_connections, prev_send_streams, prev_recv_streams, prev_since,
               opened_at, lease_ends_at, user_id, client_seq, input_id, occurred_at, received_at, judged_at,
               inserted_at, log_partition, log_offset, log_index, fact_index, user_agent, device_type, app, service,
               extra
        FROM room_events
        WHERE session_id = {{session:String}}
        ORDER BY room_kind, room_id, {_LOG_ORDER}
        LIMIT {_FACTS_MAX}
        """,
        {"session": session},
    )
    return [{**row, "extra": decoded_extra(row["extra"])} for row in found]


async def room_stays(store: Rows, room_kind: str, room: str) -> list[dict[str, Any]]:
    """Return the room's stays, by opening; the first 10,000 if there are more."""
    return list(
        await store.dicts(
            f"""
            SELECT * EXCEPT (room_kind, room_id) FROM sessions
            WHERE room_kind = {{room_kind:String}} AND room_id = {{room:String}}
            ORDER BY opened_at, session_id
            LIMIT {_STAYS_MAX}
            """,
            {"room_kind": room_kind, "room": room},
        )
    )


async def room_facts(store: Rows, room_kind: str, room: str) -> list[dict[str, Any]]:
    """Return the facts about the room itself, in log order, and how many facts there are of anything in it."""
    found = await store.dicts(
        f"""
        SELECT fact, at, user_id, reason, extra, count() OVER () AS facts
        FROM room_events
        WHERE room_kind = {{room_kind:String}} AND room_id = {{room:String}} AND session_id = '' AND kind != 'register'
        ORDER BY {_LOG_ORDER}
        LIMIT {_FACTS_MAX}
        """,
        {"room_kind": room_kind, "room": room},
    )
    return [{**row, "extra": decoded_extra(row["extra"])} for row in found]


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
        SELECT room_kind, room_id AS room, count() AS stays, countIf(closed_at IS NULL) AS open_stays,
               min(opened_at) AS first_opened_at, max(closed_at) AS last_closed_at
        FROM sessions
        WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String}) AND room_id > {after:String}
        GROUP BY room_kind, room_id
        ORDER BY room_id, room_kind
        LIMIT {limit:UInt32}
        """,
        {"room_kind": room_kind, "limit": limit, "after": after},
    )
