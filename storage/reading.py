"""The SQL that ingest reads the store with: who is live, what a room is, a user's sealed key.

Questions about all live sessions go to the view `live_sessions`, those about one room's to `sessions`; everything else
to `room_events` by room, which is sorted for that. Rows come back as plain values.  Units: `*_ms` are integer
milliseconds since the epoch, UTC.
Source: interfaces, `room_events` and Views.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from state_machine.room import NEVER_MS
from storage.store import Store


class Rows(Protocol):
    """Whatever answers SQL with rows: the store's client, or something that connects it first."""

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Return the result's rows."""

    async def dicts(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        """Return the result's rows by column name."""


@dataclass(slots=True)
class LiveSession:
    """A session in a call that has not been closed, and how long its lease lasts."""

    room: str
    session: str
    user: str
    opened_at_ms: int
    lease_ends_at_ms: int


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """A created call: its attributes as its newest row has them."""

    room: str
    created_at_ms: int
    updated_at_ms: int
    attributes: dict[str, Any]


_LIVE: Final = """
SELECT room_id, session_id, user_id, toUnixTimestamp64Milli(opened_at), toUnixTimestamp64Milli(lease_ends_at)
FROM live_sessions
WHERE room_kind = 'call'"""
_NEWEST_LIVE: Final = f"SELECT * FROM ({_LIVE} ORDER BY opened_at DESC LIMIT {{limit:UInt64}}) ORDER BY 4"
_BLOCK: Final = {"max_block_size": 2048}
"""Sessions that are taken in before other work has its turn: a few milliseconds' worth."""

_IN_ROOM: Final = "room_kind = 'call' AND room_id = {room:String}"
_LIVE_IN_ROOM: Final = f"""
SELECT room_id, session_id, user_id, toUnixTimestamp64Milli(opened_at), toUnixTimestamp64Milli(lease_ends_at)
FROM sessions
WHERE {_IN_ROOM} AND closed_at IS NULL AND (lease_ends_at IS NULL OR lease_ends_at > now64(3))"""
"""The same as `live_sessions`, which first looks for the live ones of all rooms, for one room."""


async def live_calls(store: Store, limit: int) -> AsyncIterator[list[LiveSession]]:
    """Yield the live sessions of calls block by block, oldest first; the newest ones if there are more than `limit`."""
    async for rows in store.stream_rows(_NEWEST_LIVE, {"limit": limit}, _BLOCK):
        yield [_live(row) for row in rows]


async def live_session(store: Rows, room: str, session: str) -> LiveSession | None:
    """Return the call's session if it is live."""
    rows = await store.rows(
        f"{_LIVE_IN_ROOM} AND session_id = {{session:String}} ORDER BY opened_at DESC LIMIT 1",
        {"room": room, "session": session},
    )
    return _live(rows[0]) if rows else None


async def live_session_of_user(store: Rows, room: str, user: str) -> LiveSession | None:
    """Return the user's newest live session in the call."""
    rows = await store.rows(
        f"{_LIVE_IN_ROOM} AND user_id = {{user:String}} ORDER BY opened_at DESC LIMIT 1",
        {"room": room, "user": user},
    )
    return _live(rows[0]) if rows else None


async def room_record(store: Rows, room: str, room_kind: str = "call") -> RoomRecord | None:
    """Return the room if it was created and not deleted."""
    rows = await store.rows(
        """
        SELECT fact, toUnixTimestamp64Milli(at), extra,
               (SELECT toUnixTimestamp64Milli(max(at)) FROM room_events
                WHERE room_kind = {room_kind:String} AND room_id = {room:String} AND fact = 'room_created')
        FROM room_events
        WHERE room_kind = {room_kind:String} AND room_id = {room:String}
          AND fact IN ('room_created', 'room_updated', 'room_deleted')
        ORDER BY log_offset DESC, log_index DESC, fact_index = 0 DESC, fact_index DESC
        LIMIT 1
        """,
        {"room": room, "room_kind": room_kind},
    )
    if not rows or rows[0][0] == "room_deleted":
        return None
    _, updated_at_ms, extra, created_at_ms = rows[0]
    return RoomRecord(room, created_at_ms, updated_at_ms, decoded_extra(extra))


async def sealed_key(store: Rows, user: str) -> str | None:
    """Return the sealed Hawk key of a registered user, or None if nobody registered under that hash."""
    rows = await store.rows(
        """
        SELECT extra FROM room_events
        WHERE room_kind = 'call' AND room_id = {user:String} AND kind = 'register' AND fact = 'user_registered'
        ORDER BY at DESC LIMIT 1
        """,
        {"user": user},
    )
    key = decoded_extra(rows[0][0]).get("sealed_key") if rows else None
    return key if isinstance(key, str) else None


def decoded_extra(text: str) -> dict[str, Any]:
    """Return the members that the `extra` column holds."""
    if not text:
        return {}
    value = msgspec.json.decode(text)
    return value if isinstance(value, dict) else {}


def _live(row: tuple[Any, ...]) -> LiveSession:
    room, session, user, opened_at_ms, lease_ends_at_ms = row
    return LiveSession(room, session, user, opened_at_ms, lease_ends_at_ms or NEVER_MS)
