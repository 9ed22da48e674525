"""The SQL behind the reads of calls: one, or all of an owner's, each with what was said of it and who is inside.

A call's newest row of creation, update or deletion says what it is; when it ends and when it last changed follows from
who came and went since. Everything is read from `room_events` by room, which is sorted for that.
No projection answers these questions, and looking for one costs the engine a quarter of the time, so it is told not to.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: contract 2.4 and 2.9.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from state_machine.endings import extended_end_ms
from state_machine.room import NEVER_MS
from storage.reading import Rows, decoded_extra
from storage.store import Store
from storage.uses import IS_USE


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who is inside; `said` is what they said of themselves when they joined."""

    session: str
    user: str
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A created call, deleted or not."""

    room: str
    attributes: dict[str, Any]
    created_at_ms: int
    changed_at_ms: int
    """When it was created, updated or deleted, or somebody came or went: the latest of these."""
    ends_at_ms: int
    """`NEVER_MS`: never."""
    is_deleted: bool
    inside: list[Participant] = field(default_factory=list)
    """In the order of their coming."""

    @property
    def owner(self) -> str:
        """The owner's hash; empty if the call has none."""
        return str(self.attributes.get("owner") or "")

    def exists(self, now_ms: int) -> bool:
        """Tell whether it was not deleted and has not ended."""
        return not self.is_deleted and self.ends_at_ms > now_ms


_ORDER: Final = "(log_offset, log_index, fact_index = 0, fact_index)"
_AS_IT_IS: Final = "SETTINGS optimize_use_projections = 0"
_MS: Final = "toUnixTimestamp64Milli"
_SAYS: Final = "fact IN ('room_created', 'room_updated', 'room_deleted')"
_SPEAKS: Final = "fact = 'session_opened' OR (fact = 'session_refreshed' AND kind = 'open')"
_COMES_OR_GOES: Final = f"{_SPEAKS} OR fact = 'session_closed'"
_HAS_LEASE: Final = "lease_ends_at != toDateTime64(0, 3, 'UTC')"
_NAMED: Final = "room_kind = 'call' AND room_id = {room:String}"
_OWNED: Final = """room_kind = 'call' AND room_id IN
    (SELECT room_id FROM room_events WHERE room_kind = 'call' AND fact = 'room_created' AND user_id = {user:String})"""


def _calls(of_rooms: str) -> str:
    return f"""
SELECT room_id, argMaxIf(fact, {_ORDER}, {_SAYS}), argMaxIf(extra, {_ORDER}, {_SAYS}),
    {_MS}(argMaxIf(at, {_ORDER}, {_SAYS})), {_MS}(maxIf(at, fact = 'room_created')),
    {_MS}(maxIf(at, {IS_USE})), {_MS}(maxIf(at, {_COMES_OR_GOES}))
FROM room_events
WHERE {of_rooms} AND ({_SAYS} OR {IS_USE} OR {_COMES_OR_GOES})
GROUP BY room_id
HAVING countIf({_SAYS}) > 0
{_AS_IT_IS}"""


def _insiders(of_rooms: str) -> str:
    return f"""
SELECT room_id, session_id, max(user_id), argMaxIf(extra, {_ORDER}, {_SPEAKS})
FROM room_events
WHERE {of_rooms} AND session_id != '' AND ({_COMES_OR_GOES} OR {_HAS_LEASE})
GROUP BY room_id, session_id, opened_at
HAVING countIf(fact = 'session_closed') = 0 AND countIf(fact = 'session_opened') > 0
    AND (countIf({_HAS_LEASE}) = 0 OR argMaxIf(lease_ends_at, {_ORDER}, {_HAS_LEASE}) > now64(3))
ORDER BY opened_at, min({_ORDER})
{_AS_IT_IS}"""


_ONE_CALL: Final = _calls(_NAMED)
_INSIDE_ONE: Final = _insiders(_NAMED)
_OWNED_CALLS: Final = _calls(_OWNED)
_INSIDE_OWNED: Final = _insiders(_OWNED)


_IN_LIVE: Final = "room_kind = 'call' AND room_id IN (SELECT room_id FROM live_sessions WHERE room_kind = 'call')"
# Of uses only the last day's are read: whoever is inside came or refreshed in that time. An older one would not be
# missed either, because who is told too early an end asks again.
_ENDS_OF_LIVE: Final = f"""
SELECT room_id, toInt64(JSONExtractUInt(argMaxIf(extra, place, says), 'expires_at_ms')),
    {_MS}(argMaxIf(at, place, says)), {_MS}(maxIf(at, NOT says))
FROM
(
    SELECT room_id, fact, extra, at, {_ORDER} AS place, true AS says
    FROM room_events PREWHERE {_SAYS} WHERE {_IN_LIVE}
    UNION ALL
    SELECT room_id, fact, '', at, {_ORDER}, false
    FROM room_events WHERE {IS_USE} AND at >= now64(3) - INTERVAL 1 DAY AND {_IN_LIVE}
)
GROUP BY room_id
HAVING argMaxIf(fact, place, says) IN ('room_created', 'room_updated')
LIMIT {{limit:UInt64}}"""
_BLOCK: Final = {"max_block_size": 2048}


async def end_of_call_ms(store: Rows, room: str) -> int | None:
    """Return when the call ends (`NEVER_MS`: never), or None if it was never created, or deleted."""
    call = await find_call(store, room)
    return None if call is None or call.is_deleted else call.ends_at_ms


async def ends_of_live_calls(store: Store, limit: int) -> AsyncIterator[list[tuple[str, int]]]:
    """Yield the created and not deleted calls that somebody is in, each with a time before which it does not end."""
    async for rows in store.stream_rows(_ENDS_OF_LIVE, {"limit": limit}, _BLOCK):
        yield [(room, extended_end_ms(*times_ms) or NEVER_MS) for room, *times_ms in rows]


async def find_call(store: Rows, room: str) -> Call | None:
    """Return the call without who is inside, or None if nobody ever created it."""
    rows = await store.rows(_ONE_CALL, {"room": room})
    return _call_of(rows[0]) if rows else None


async def insiders_of(store: Rows, room: str) -> list[Participant]:
    """Return who is inside the call."""
    return [_participant_of(row) for row in await store.rows(_INSIDE_ONE, {"room": room})]


async def owned_calls(store: Rows, user: str) -> list[Call]:
    """Return every call of the owner, also those that have ended or were deleted, without who is inside."""
    calls = [_call_of(row) for row in await store.rows(_OWNED_CALLS, {"user": user})]
    return [call for call in calls if call.is_deleted or call.owner == user]


async def insiders_of_owned(store: Rows, user: str) -> Mapping[str, list[Participant]]:
    """Return who is inside each of the owner's calls, by room; empty calls are left out."""
    inside: dict[str, list[Participant]] = {}
    for row in await store.rows(_INSIDE_OWNED, {"user": user}):
        inside.setdefault(row[0], []).append(_participant_of(row))
    return inside


def _call_of(row: tuple[Any, ...]) -> Call:
    room, fact, extra, said_at_ms, created_at_ms, used_at_ms, moved_at_ms = row
    attributes = decoded_extra(extra)
    expires_at_ms = int(attributes.get("expires_at_ms") or 0)
    return Call(
        room=room,
        attributes=attributes,
        created_at_ms=created_at_ms,
        changed_at_ms=max(said_at_ms, moved_at_ms),
        ends_at_ms=extended_end_ms(expires_at_ms, said_at_ms, used_at_ms) or NEVER_MS,
        is_deleted=fact == "room_deleted",
    )


def _participant_of(row: tuple[Any, ...]) -> Participant:
    _, session, user, extra = row
    return Participant(session, user, decoded_extra(extra))
