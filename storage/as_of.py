"""A room as it was at a moment: who was in it, and what was known of it.

The first is the question `dashboards/queries/room_as_of.sql`, whose text stands in every page unchanged, so that the
endpoint and everybody else's SQL give the same people. Moments are those of the facts (`at`), not those of storing.
Units: `at_ms` is integer milliseconds since the epoch, UTC.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from storage.panels import read_panel
from storage.reading import Rows, decoded_extra
from storage.stories import StayPlace

_SAID: Final = """
SELECT fact, extra FROM room_events
WHERE room_kind = {room_kind:String} AND room_id = {room:String} AND at <= {at:DateTime64(3, 'UTC')}
    AND fact IN ('room_created', 'room_updated', 'room_deleted')
ORDER BY log_offset DESC, log_index DESC, fact_index = 0 DESC
LIMIT 1"""
_IS_KNOWN: Final = """
SELECT 1 FROM room_events
WHERE room_kind = {room_kind:String} AND room_id = {room:String} AND kind != 'register'
    AND (session_id = '' OR opened_at > toDateTime64(0, 3, 'UTC'))
LIMIT 1"""


async def people_as_of(
    store: Rows, room_kind: str, room: str, at_ms: int, *, limit: int, after: StayPlace | None
) -> tuple[Sequence[dict[str, Any]], int]:
    """Return a page of who was in the room, by opening, and how many there were in all; 0 beyond the last page."""
    opened_at_ms, session = after or StayPlace(-1, "")
    page = {"limit": limit, "opened_at_ms": opened_at_ms, "session": session}
    rows = await store.dicts(_page_of_people(), {"room_kind": room_kind, "room": room, "at": _time(at_ms), **page})
    people = rows[0]["people"] if rows else 0
    return [{name: value for name, value in row.items() if name != "people"} for row in rows], people


async def attributes_as_of(store: Rows, room_kind: str, room: str, at_ms: int) -> dict[str, Any] | None:
    """Return what was said of the room until then; None if it was not created, or was deleted."""
    rows = await store.rows(_SAID, {"room_kind": room_kind, "room": room, "at": _time(at_ms)})
    return decoded_extra(rows[0][1]) if rows and rows[0][0] != "room_deleted" else None


async def is_known(store: Rows, room_kind: str, room: str) -> bool:
    """Tell whether anything of the room is stored, whenever it happened."""
    return bool(await store.rows(_IS_KNOWN, {"room_kind": room_kind, "room": room}))


@cache
def _page_of_people() -> str:
    return f"""
SELECT * EXCEPT (room_kind, room_id)
FROM (SELECT *, count() OVER () AS people FROM ({read_panel("room_as_of").sql}))
WHERE (toUnixTimestamp64Milli(opened_at), session_id) > ({{opened_at_ms:Int64}}, {{session:String}})
ORDER BY opened_at, session_id
LIMIT {{limit:UInt32}}"""


def _time(at_ms: int) -> str:
    return f"{at_ms / 1000:.3f}"
