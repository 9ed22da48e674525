"""The SQL that brings rooms back from `room_events` alone: stays, attributes, answered commands, recent decisions.

Three questions a set of rooms: each stay that is live or closed lately, the newest rows that say what the room itself
is, and the last answered commands. "Last" is always log order, in which an input's answer (index 0) follows its
consequences. Nothing here reads more than the rooms asked for; which stays those are is answered by a projection.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: design sections 5 and 6.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from state_machine.facts import Fact, Snapshot
from state_machine.room import NEVER_MS
from storage.decisions import ANNOUNCED_FACTS
from storage.store import Store

RoomKey = tuple[str, str]
"""Room kind and room id."""

ANSWERS_PER_ROOM: Final = 128
IDS_PER_STAY: Final = 32


class StoredFact(NamedTuple):
    """A row of `room_events`, as the fact that it came from and where that stood."""

    room_kind: str
    room_id: str
    kind: str
    input_id: str
    place: tuple[int, int, int]
    """Partition, offset, index in the frame."""
    fact: Fact


class StoredStay(NamedTuple):
    """What is to be known of one stay, beside its first fact and its last."""

    opened: StoredFact
    closed: StoredFact | None
    last: Fact
    """Its newest fact, whose snapshot is the stay's."""
    at_ms: int
    lease_ends_at_ms: int
    seq: int
    recent_ids: list[str]
    """Oldest first."""


class StoredRooms(NamedTuple):
    """What the store has of some rooms; order within each list is log order."""

    stays: list[StoredStay]
    attributes: list[StoredFact]
    answers: list[StoredFact]


class Wanted(NamedTuple):
    """Which rooms: those of some partitions that have a live or recently closed session, or some by name."""

    partitions: int
    """How many partitions the log has."""
    closed_since_ms: Mapping[int, int]
    """Of each wanted partition: sessions closed from then on are wanted."""
    keys: frozenset[RoomKey] | None = None
    """These rooms, whether or not they have a session."""


_MS: Final = "toUnixTimestamp64Milli"
_ORDER: Final = "(log_offset, log_index, fact_index = 0, fact_index)"
_NO_TIME: Final = "toDateTime64(0, 3, 'UTC')"
_FACT_COLUMNS: Final = f"""toString(room_kind), room_id, kind, input_id, log_partition, log_offset, log_index, fact,
    fact_index, {_MS}(at), session_id, user_id, {_MS}(opened_at), state, connections, send_streams, recv_streams,
    prev_state, prev_connections, prev_send_streams, prev_recv_streams, {_MS}(prev_since), moved,
    toString(event_family), verdict, reason, {_MS}(lease_ends_at), extra"""

_IS_ANSWER: Final = """fact_index = 0 AND input_id != '' AND kind != 'status'
    AND NOT (fact = 'ignored' AND reason = 'duplicate') AND NOT (kind = 'expire' AND fact = 'session_closed')"""
_OF_PARTITION: Final = "CRC32(concat(toString(room_kind), '/', room_id)) % {partitions:UInt32}"
_OF_KEYS: Final = """(room_kind, room_id) IN
    {keys:Array(Tuple(Enum8('call' = 1, 'account' = 2, 'stream' = 3), String))}"""


# The projection by_stay answers this; its aggregates must be spelled as there.
def _wanted_stays(of_rooms: str) -> str:
    return f"""
SELECT room_kind, room_id, session_id, opened_at
FROM room_events
WHERE opened_at > {_NO_TIME} AND {of_rooms}
GROUP BY room_kind, room_id, session_id, opened_at
HAVING countIf(fact = 'session_closed') = 0
    OR {_MS}(maxIf(at, fact = 'session_closed')) >= {{closed_since_ms:Array(Int64)}}[{_OF_PARTITION} + 1]"""


def _stays(stays_sql: str) -> str:
    return f"""
SELECT
    countIf(fact = 'session_opened'),
    countIf(fact = 'session_closed'),
    argMaxIf(({_FACT_COLUMNS}), {_ORDER}, fact = 'session_opened'),
    argMaxIf(({_FACT_COLUMNS}), {_ORDER}, fact = 'session_closed'),
    argMax(({_FACT_COLUMNS}), {_ORDER}),
    {_MS}(max(at)),
    {_MS}(argMaxIf(lease_ends_at, {_ORDER}, lease_ends_at != {_NO_TIME})),
    maxIf(client_seq, fact = 'status_judged' AND verdict NOT IN ('duplicate', 'late')),
    groupArraySortedIf({IDS_PER_STAY})(
        (bitNot(log_offset), bitNot(log_index), input_id),
        fact = 'status_judged' AND input_id != '' AND verdict != 'duplicate')
FROM room_events
WHERE (room_kind, room_id, session_id, opened_at) IN ({stays_sql})
GROUP BY room_kind, room_id, session_id, opened_at"""


def _attributes(of_rooms: str) -> str:
    return f"""
SELECT {_FACT_COLUMNS}
FROM room_events
WHERE {of_rooms} AND fact IN ('room_created', 'room_updated', 'room_deleted')
ORDER BY {_ORDER} DESC
LIMIT 1 BY room_kind, room_id, fact"""


def _answers(of_rooms: str) -> str:
    return f"""
SELECT {_FACT_COLUMNS}
FROM room_events
WHERE {of_rooms} AND {_IS_ANSWER}
ORDER BY {_ORDER} DESC
LIMIT {ANSWERS_PER_ROOM} BY room_kind, room_id"""


async def stored_rooms(store: Store, wanted: Wanted) -> StoredRooms:
    """Return what the store has of the wanted rooms.

    Raises: StoreUnavailable, StoreRefused.
    """
    stays_sql, parameters = wanted_stays(wanted)
    in_stays = f"(room_kind, room_id) IN (SELECT room_kind, room_id FROM ({stays_sql}))"
    of_rooms = in_stays if wanted.keys is None else _OF_KEYS
    stays, attributes, answers = await asyncio.gather(
        store.rows(_stays(stays_sql), parameters),
        store.rows(_attributes(of_rooms), parameters),
        store.rows(_answers(of_rooms), parameters),
    )
    return StoredRooms(
        [stay_of(row) for row in stays if row[0]],
        sorted(map(fact_of, attributes), key=log_order),
        sorted(map(fact_of, answers), key=log_order),
    )


def wanted_stays(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """Return the SQL, with its parameters, that names the stays which are live or closed lately."""
    of_partitions = f"{_OF_PARTITION} IN {{numbers:Array(UInt32)}}"
    return _wanted_stays(of_partitions if wanted.keys is None else _OF_KEYS), _parameters(wanted)


def _parameters(wanted: Wanted) -> dict[str, Any]:
    never = NEVER_MS
    return {
        "partitions": wanted.partitions,
        "numbers": sorted(wanted.closed_since_ms),
        "closed_since_ms": [wanted.closed_since_ms.get(number, never) for number in range(wanted.partitions)],
        "keys": sorted(wanted.keys or ()),
    }


def stay_of(row: Sequence[Any]) -> StoredStay:
    """Return the stay of one row of the question about stays."""
    _, closings, opened, closed, last, at_ms, lease_ends_at_ms, seq, ids = row
    return StoredStay(
        opened=fact_of(opened),
        closed=fact_of(closed) if closings else None,
        last=fact_of(last).fact,
        at_ms=at_ms,
        lease_ends_at_ms=lease_ends_at_ms,
        seq=seq,
        recent_ids=[input_id for _, _, input_id in reversed(ids)],
    )


def fact_of(row: Sequence[Any]) -> StoredFact:
    """Return the fact of one row in the order of `_FACT_COLUMNS`."""
    room_kind, room_id, kind, input_id, partition, offset, index, name, fact_index, at_ms, *rest = row
    session_id, user_id, opened_at_ms, *snapshots_and_rest = rest
    since_ms, moved, family, verdict, reason, lease_ends_at_ms, extra = snapshots_and_rest[8:]
    members = msgspec.json.decode(extra, type=dict[str, Any]) if extra else {}
    members.pop("input", None)
    fact = Fact(
        name=name,
        index=fact_index,
        at_ms=at_ms,
        session_id=session_id,
        user_id=user_id,
        opened_at_ms=opened_at_ms,
        declared=Snapshot(*snapshots_and_rest[:4]),
        before=Snapshot(*snapshots_and_rest[4:8]),
        since_ms=since_ms,
        moved=bool(moved),
        family=family,
        verdict=verdict,
        reason=reason,
        lease_ends_at_ms=lease_ends_at_ms,
        conflicts=tuple(members.get("conflicts", ())) if name == "open_refused" else (),
        extra=members,
    )
    return StoredFact(room_kind, room_id, kind, input_id, (partition, offset, index), fact)


def log_order(stored: StoredFact) -> tuple[int, int, bool, int]:
    """Return what facts of one partition are sorted by to stand as they were applied."""
    _, offset, index = stored.place
    return offset, index, stored.fact.index == 0, stored.fact.index


async def last_decisions(store: Store, partitions: Collection[int], within_ms: int, now_ms: int) -> list[StoredFact]:
    """Return the facts that are published, of each partition's last `within_ms` of stored rows, in log order.

    What was stored more than an hour ago is left out: nobody waits for it.
    Raises: StoreUnavailable, StoreRefused.
    """
    numbers = sorted(partitions)
    of_last_hour = """judged_at >= fromUnixTimestamp64Milli({hour_ago_ms:Int64}, 'UTC')
        AND log_partition IN {numbers:Array(UInt16)}"""
    parameters: dict[str, Any] = {"hour_ago_ms": now_ms - 3_600_000, "numbers": numbers}
    newest = await store.rows(
        f"SELECT log_partition, {_MS}(max(judged_at)) FROM room_events WHERE {of_last_hour} GROUP BY log_partition",
        parameters,
    )
    if not newest:
        return []
    since = [(number, judged_at_ms - within_ms) for number, judged_at_ms in newest]
    rows = await store.rows(
        f"""
        SELECT {_FACT_COLUMNS}
        FROM room_events
        WHERE {of_last_hour}
            AND {_MS}(judged_at) >= transform(
                log_partition, {{since_of:Array(UInt16)}}, {{since_ms:Array(Int64)}}, toInt64({NEVER_MS}))
            AND ((fact_index = 0 AND input_id != '') OR fact IN {{announced:Array(String)}})
        ORDER BY log_partition, {_ORDER}
        """,
        {
            **parameters,
            "since_of": [number for number, _ in since],
            "since_ms": [since_ms for _, since_ms in since],
            "announced": sorted(ANNOUNCED_FACTS),
        },
    )
    return [fact_of(row) for row in rows]
