"""The SQL behind the native reads: a session's facts, a room with its stays, the list of rooms.

Whatever may be long comes in pages. Facts stand in the order of the log, and a page goes on after the place of the last
fact of the page before; stays stand in the order of their openings. Rows come back by column name, times as aware UTC
datetimes. Source: interfaces, Native HTTP and Views.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from storage.reading import Rows, decoded_extra


class Place(NamedTuple):
    """Where a fact stands, as the columns of these names say it."""

    log_partition: int
    log_offset: int
    log_index: int
    fact_index: int


class StayPlace(NamedTuple):
    """Where a stay stands in its room: when it opened, and whose it is."""

    opened_at_ms: int
    session: str


_PLACE: Final = "(log_partition, log_offset, log_index, fact_index = 0, fact_index)"
_AFTER: Final = f"""{_PLACE} > ({{log_partition:Int64}}, {{log_offset:Int64}}, {{log_index:Int64}},
    {{fact_index:Int64}} = 0, {{fact_index:Int64}})"""
_BEGINNING: Final = Place(-1, 0, 0, 0)


async def session_facts(store: Rows, session: str, limit: int, after: Place | None) -> list[dict[str, Any]]:
    """Return facts of the session, in whatever rooms."""
    found = await store.dicts(
        f"""
        SELECT room_kind, room_id, at, fact, kind, event, event_family, verdict, reason, rule_version, moved,
               state, connections, send_streams, recv_streams,
               prev_state, prev_connections, prev_send_streams, prev_recv_streams, prev_since,
               opened_at, lease_ends_at, user_id, client_seq, input_id, occurred_at, received_at, judged_at,
               inserted_at, log_partition, log_offset, log_index, fact_index, user_agent, device_type, app, service,
               extra
        FROM room_events
        WHERE session_id = {{session:String}} AND {_AFTER}
        ORDER BY {_PLACE}
        LIMIT {{limit:UInt32}}
        """,
        {"session": session, "limit": limit, **(after or _BEGINNING)._asdict()},
    )
    return [{**row, "extra": decoded_extra(row["extra"])} for row in found]


async def room_facts(store: Rows, room_kind: str, room: str, limit: int, after: Place | None) -> list[dict[str, Any]]:
    """Return facts about the room itself."""
    found = await store.dicts(
        f"""
        SELECT fact, at, user_id, reason, log_partition, log_offset, log_index, fact_index, extra
        FROM room_events
        WHERE room_kind = {{room_kind:String}} AND room_id = {{room:String}} AND session_id = '' AND kind != 'register'
          AND {_AFTER}
        ORDER BY {_PLACE}
        LIMIT {{limit:UInt32}}
        """,
        {"room_kind": room_kind, "room": room, "limit": limit, **(after or _BEGINNING)._asdict()},
    )
    return [{**row, "extra": decoded_extra(row["extra"])} for row in found]


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


def place_of(fact: dict[str, Any]) -> Place:
    """Return where a fact that was read stands."""
    return Place(fact["log_partition"], fact["log_offset"], fact["log_index"], fact["fact_index"])


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
