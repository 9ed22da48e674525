"""The SQL that finds when a room was used last: what extends a room that has an end (`state_machine.endings`).

Units: milliseconds since the epoch, UTC.
"""

from typing import Final

IS_USE: Final = """((kind IN ('open', 'refresh') AND fact IN ('session_opened', 'session_refreshed'))
    OR (fact = 'session_closed' AND reason IN ('left', 'killed', 'replaced')))"""
"""Is true of the rows whose facts `is_use` names; an opening by a status has that status' kind."""


def last_uses(of_rooms: str) -> str:
    """Return the SQL of room kind, room id and last use, of rooms that a condition names and that were ever used."""
    return f"""
SELECT toString(room_kind), room_id, toUnixTimestamp64Milli(max(at))
FROM room_events
WHERE {of_rooms} AND {IS_USE}
GROUP BY room_kind, room_id"""
