"""The SQL that brings rooms back from `room_events` alone: stays, attributes, answered commands, recent decisions.

Of a room: each stay that is live or closed lately, the newest rows that say what the room itself is, the last answered
commands, and when it was used last. "Last" is always log order, in which an input's answer (index 0) follows its
consequences. Nothing here reads more than the rooms asked for; a projection answers which rooms have a live session.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: design sections 5 and 6.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from state_machine.facts import Fact, Snapshot
from state_machine.room import NEVER_MS
from storage.decisions import ANNOUNCED_FACTS
from storage.store import Store
from storage.uses import last_uses

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

    @property
    def is_answer(self) -> bool:
        """Whether it is the first answer to a command that somebody waits for; `_IS_ANSWER` asks the same."""
        is_repeat = self.fact.name == "ignored" and self.fact.reason == "duplicate"
        return self.fact.index == 0 and self.input_id != "" and self.kind != "status" and not is_repeat


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
    client_max_size: int
    """What the client said it can handle when it opened its session again; 0 = nothing."""


class StoredRooms(NamedTuple):
    """What the store has of some rooms; order within each list is log order."""

    stays: list[StoredStay]
    attributes: list[StoredFact]
    answers: list[StoredFact]
    uses_ms: Mapping[RoomKey, int]


_MS: Final = "toUnixTimestamp64Milli"
_ORDER: Final = "(log_offset, log_index, fact_index = 0, fact_index)"
_NO_TIME: Final = "toDateTime64(0, 3, 'UTC')"
_FACT_COLUMNS: Final = f"""toString(room_kind), room_id, kind, input_id, log_partition, log_offset, log_index, fact,
    fact_index, {_MS}(at), session_id, user_id, {_MS}(opened_at), state, connections, send_streams, recv_streams,
    prev_state, prev_connections, prev_send_streams, prev_recv_streams, {_MS}(prev_since), moved,
    toString(event_family), verdict, reason, {_MS}(lease_ends_at), extra"""

_ATTRIBUTE_FACTS: Final = ("room_created", "room_updated", "room_deleted")
_IS_ANSWER: Final = """fact_index = 0 AND input_id != '' AND kind != 'status'
    AND NOT (fact = 'ignored' AND reason = 'duplicate')"""
_OF_PARTITION: Final = "CRC32(concat(toString(room_kind), '/', room_id)) % {partitions:UInt32}"


# The projection by_stay answers this; its aggregates must be spelled as there.
WANTED_STAYS: Final = f"""
SELECT room_kind, room_id, session_id, opened_at
FROM room_events
WHERE opened_at > {_NO_TIME} AND {_OF_PARTITION} IN {{numbers:Array(UInt32)}}
GROUP BY room_kind, room_id, session_id, opened_at
HAVING countIf(fact = 'session_closed') = 0
    OR {_MS}(maxIf(at, fact = 'session_closed')) >= {{closed_since_ms:Array(Int64)}}[{_OF_PARTITION} + 1]"""
"""Names the stays of some partitions that are live or closed lately."""

_SAYS_SIZE_AGAIN: Final = "fact = 'session_refreshed' AND JSONHas(extra, 'client_max_size')"
_STAYS: Final = f"""
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
        fact = 'status_judged' AND input_id != '' AND verdict != 'duplicate'),
    JSONExtractInt(argMaxIf(extra, {_ORDER}, {_SAYS_SIZE_AGAIN}), 'client_max_size')
FROM room_events
WHERE (room_kind, room_id, session_id, opened_at) IN ({WANTED_STAYS})
GROUP BY room_kind, room_id, session_id, opened_at"""


def _attributes_and_answers(of_rooms: str) -> str:
    """Return the SQL of the newest row of each kind that says what a room is, and of its last answered commands."""
    return f"""
SELECT * FROM
(
    SELECT 1 AS is_attribute, {_FACT_COLUMNS}
    FROM room_events
    WHERE {of_rooms} AND fact IN {_ATTRIBUTE_FACTS}
    ORDER BY {_ORDER} DESC
    LIMIT 1 BY room_kind, room_id, fact
)
UNION ALL
SELECT * FROM
(
    SELECT 0 AS is_attribute, {_FACT_COLUMNS}
    FROM room_events
    WHERE {of_rooms} AND {_IS_ANSWER}
    ORDER BY {_ORDER} DESC
    LIMIT {ANSWERS_PER_ROOM} BY room_kind, room_id
)"""


_LIVE: Final = f"(room_kind, room_id) IN (SELECT room_kind, room_id FROM ({WANTED_STAYS}))"
_OF_LIVE_ROOMS: Final = _attributes_and_answers(_LIVE)
_USES_OF_LIVE_ROOMS: Final = last_uses(_LIVE)
_NAMED: Final = "(room_kind, room_id) IN {keys:Array(Tuple(Enum8('call' = 1, 'account' = 2, 'stream' = 3), String))}"
_USES_OF_NAMED_ROOMS: Final = last_uses(_NAMED)
_KNOWN_ROOMS: Final = f"SELECT DISTINCT toString(room_kind), room_id FROM room_events WHERE {_NAMED}"
# One branch, divided by us: to analyse two of so many columns costs the engine more than to read what it finds.
_OF_KNOWN_ROOMS: Final = f"""
SELECT {_FACT_COLUMNS}
FROM room_events
WHERE {_NAMED} AND (fact IN {_ATTRIBUTE_FACTS} OR ({_IS_ANSWER}))
ORDER BY {_ORDER} DESC
LIMIT {ANSWERS_PER_ROOM} BY room_kind, room_id, if(fact IN {_ATTRIBUTE_FACTS}, fact, '')"""


async def live_rooms(store: Store, partitions: int, closed_since_ms: Mapping[int, int]) -> StoredRooms:
    """Return the rooms of some partitions that have a session which is live, or was closed since.

    Shape: `partitions` is how many the log has; `closed_since_ms` has the time for each partition that is wanted.
    Raises: StoreUnavailable, StoreRefused.
    """
    parameters = stays_parameters(partitions, closed_since_ms)
    stays, others, uses = await asyncio.gather(
        *(store.rows(sql, parameters) for sql in (_STAYS, _OF_LIVE_ROOMS, _USES_OF_LIVE_ROOMS))
    )
    return StoredRooms([stay_of(row) for row in stays if row[0]], *_divided(others), _by_room(uses))


async def named_rooms(store: Store, keys: Collection[RoomKey]) -> StoredRooms:
    """Return attributes, answers and uses of rooms by name; whether they have live sessions is known without the store.

    Raises: StoreUnavailable, StoreRefused.
    """
    # Nearly always a room is asked for because it is new: finding that out takes a fifth of reading what there may be.
    known = await store.rows(_KNOWN_ROOMS, {"keys": sorted(keys)})
    if not known:
        return StoredRooms([], [], [], {})
    rows, uses = await asyncio.gather(
        *(store.rows(sql, {"keys": known}) for sql in (_OF_KNOWN_ROOMS, _USES_OF_NAMED_ROOMS))
    )
    facts = sorted(map(fact_of, rows), key=log_order)
    attributes = {(stored.room_kind, stored.room_id, stored.fact.name): stored for stored in facts}
    newest = [stored for stored in attributes.values() if stored.fact.name in _ATTRIBUTE_FACTS]
    return StoredRooms([], sorted(newest, key=log_order), _last_answers(facts), _by_room(uses))


def _by_room(uses: Iterable[Sequence[Any]]) -> Mapping[RoomKey, int]:
    return {(room_kind, room_id): used_at_ms for room_kind, room_id, used_at_ms in uses}


def _last_answers(facts: Iterable[StoredFact]) -> list[StoredFact]:
    """Return the last answered commands of each room among facts in log order."""
    by_room: dict[RoomKey, deque[StoredFact]] = {}
    for stored in facts:
        if stored.is_answer:
            by_room.setdefault((stored.room_kind, stored.room_id), deque(maxlen=ANSWERS_PER_ROOM)).append(stored)
    return sorted((stored for answers in by_room.values() for stored in answers), key=log_order)


def stays_parameters(partitions: int, closed_since_ms: Mapping[int, int]) -> dict[str, Any]:
    """Return the parameters of `WANTED_STAYS`."""
    return {
        "partitions": partitions,
        "numbers": sorted(closed_since_ms),
        "closed_since_ms": [closed_since_ms.get(number, NEVER_MS) for number in range(partitions)],
    }


def _divided(rows: Iterable[Sequence[Any]]) -> tuple[list[StoredFact], list[StoredFact]]:
    """Return the attributes and the answers among the rows, each in log order."""
    attributes: list[StoredFact] = []
    answers: list[StoredFact] = []
    for is_attribute, *row in rows:
        (attributes if is_attribute else answers).append(fact_of(row))
    return sorted(attributes, key=log_order), sorted(answers, key=log_order)


def stay_of(row: Sequence[Any]) -> StoredStay:
    """Return the stay of one row of the question about stays."""
    _, closings, opened, closed, last, at_ms, lease_ends_at_ms, seq, ids, client_max_size = row
    return StoredStay(
        opened=fact_of(opened),
        closed=fact_of(closed) if closings else None,
        last=fact_of(last).fact,
        at_ms=at_ms,
        lease_ends_at_ms=lease_ends_at_ms,
        seq=seq,
        recent_ids=[input_id for _, _, input_id in reversed(ids)],
        client_max_size=client_max_size,
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
