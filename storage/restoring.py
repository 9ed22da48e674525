"""The SQL that brings rooms back from `room_events` alone: attributes, answered commands, recent decisions.

Of a room: the newest rows that say what the room itself is, the last answered commands, and when it was used last.
"Last" is always log order, in which an input's answer (index 0) follows its consequences. Nothing here reads more than
the rooms asked for; storage/live_stays.py has their stays.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: design sections 5 and 6.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from state_machine.facts import Fact, Snapshot, Step
from state_machine.room import NEVER_MS
from storage.decisions import ANNOUNCED_FACTS
from storage.store import Store
from storage.uses import last_uses

RoomKey = tuple[str, str]
"""Room kind and room id."""

ANSWERS_PER_ROOM: Final = 128


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


class StoredRooms(NamedTuple):
    """What the store has of some rooms; order within each list is log order."""

    attributes: list[StoredFact]
    answers: list[StoredFact]
    uses_ms: Mapping[RoomKey, int]


_MS: Final = "toUnixTimestamp64Milli"
ORDER: Final = "(log_offset, log_index, fact_index = 0, fact_index)"
FACT_COLUMNS: Final = f"""toString(room_kind), room_id, kind, input_id, log_partition, log_offset, log_index, fact,
    fact_index, {_MS}(at), session_id, user_id, {_MS}(opened_at), state, connections, send_streams, recv_streams,
    prev_state, prev_connections, prev_send_streams, prev_recv_streams, {_MS}(prev_since), moved,
    toString(event_family), verdict, reason, {_MS}(lease_ends_at), extra"""

_ATTRIBUTE_FACTS: Final = ("room_created", "room_updated", "room_deleted")
_IS_ANSWER: Final = """fact_index = 0 AND input_id != '' AND kind != 'status'
    AND NOT (fact = 'ignored' AND reason = 'duplicate')"""
_NAMED: Final = "(room_kind, room_id) IN {keys:Array(Tuple(Enum8('call' = 1, 'account' = 2, 'stream' = 3), String))}"
_USES_OF_NAMED_ROOMS: Final = last_uses(_NAMED)
_KNOWN_ROOMS: Final = f"SELECT DISTINCT toString(room_kind), room_id FROM room_events WHERE {_NAMED}"
# One branch, divided by us: to analyse two of so many columns costs the engine more than to read what it finds.
_OF_KNOWN_ROOMS: Final = f"""
SELECT {FACT_COLUMNS}
FROM room_events
WHERE {_NAMED} AND (fact IN {_ATTRIBUTE_FACTS} OR ({_IS_ANSWER}))
ORDER BY {ORDER} DESC
LIMIT {ANSWERS_PER_ROOM} BY room_kind, room_id, if(fact IN {_ATTRIBUTE_FACTS}, fact, '')"""


async def named_rooms(store: Store, keys: Collection[RoomKey]) -> StoredRooms:
    """Return attributes, answers and uses of rooms by name; whether they have live sessions is known without the store.

    Raises: StoreUnavailable, StoreRefused.
    """
    # Nearly always a room is asked for because it is new: finding that out takes a fifth of reading what there may be.
    known = await store.rows(_KNOWN_ROOMS, {"keys": sorted(keys)})
    if not known:
        return StoredRooms([], [], {})
    rows, uses = await asyncio.gather(
        *(store.rows(sql, {"keys": known}) for sql in (_OF_KNOWN_ROOMS, _USES_OF_NAMED_ROOMS))
    )
    facts = sorted(map(fact_of, rows), key=log_order)
    attributes = {(stored.room_kind, stored.room_id, stored.fact.name): stored for stored in facts}
    newest = [stored for stored in attributes.values() if stored.fact.name in _ATTRIBUTE_FACTS]
    return StoredRooms(sorted(newest, key=log_order), _last_answers(facts), _by_room(uses))


def _by_room(uses: Iterable[Sequence[Any]]) -> Mapping[RoomKey, int]:
    return {(room_kind, room_id): used_at_ms for room_kind, room_id, used_at_ms in uses}


def _last_answers(facts: Iterable[StoredFact]) -> list[StoredFact]:
    """Return the last answered commands of each room among facts in log order."""
    by_room: dict[RoomKey, deque[StoredFact]] = {}
    for stored in facts:
        if stored.is_answer:
            by_room.setdefault((stored.room_kind, stored.room_id), deque(maxlen=ANSWERS_PER_ROOM)).append(stored)
    return sorted((stored for answers in by_room.values() for stored in answers), key=log_order)


def fact_of(row: Sequence[Any]) -> StoredFact:
    """Return the fact of one row in the order of `FACT_COLUMNS`."""
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
        step=Step(
            before=Snapshot(*snapshots_and_rest[4:8]),
            declared=Snapshot(*snapshots_and_rest[:4]),
            family=family,
            verdict=verdict,
            moved=bool(moved),
        ),
        since_ms=since_ms,
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
        SELECT {FACT_COLUMNS}
        FROM room_events
        WHERE {of_last_hour}
            AND {_MS}(judged_at) >= transform(
                log_partition, {{since_of:Array(UInt16)}}, {{since_ms:Array(Int64)}}, toInt64({NEVER_MS}))
            AND ((fact_index = 0 AND input_id != '') OR fact IN {{announced:Array(String)}})
        ORDER BY log_partition, {ORDER}
        """,
        {
            **parameters,
            "since_of": [number for number, _ in since],
            "since_ms": [since_ms for _, since_ms in since],
            "announced": sorted(ANNOUNCED_FACTS),
        },
    )
    return [fact_of(row) for row in rows]
