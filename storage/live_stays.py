"""The SQL that finds the stays which are live or closed lately, at a cost that grows with them and not with the past.

Three steps. The balance (projection `by_opening`: for each partition and day of opening, a sum of hashes of what was
opened and one of what was closed) tells on which days somebody opened who is not closed yet; reading it takes
milliseconds. Those stays are looked for among the rows whose lease ends late enough, of which an index knows the
granules. Then the hashes of what was found must add up to the balance, which proves that nothing is missing. A day that
does not add up (a worker stopped so far behind that leases had ended which nobody had closed) is searched whole.
Stays of accounts that others ended count as closed when their leases would have ended (`barred_until_ms`).

Stays of the last days are read where `at` is as young; the few older ones are found by their rooms' names.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: design section 5.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from state_machine.facts import OPENING, Fact, Snapshot
from state_machine.room import NEVER_MS
from storage.store import Store

IDS_PER_STAY: Final = 32

_LEASE_SLACK_MS: Final = 600_000
"""A lease that ended so long before the newest row is expected to be closed; if it is not, the balance tells."""
_DAY_MS: Final = 86_400_000
_BLOCK: Final = {"max_block_size": 8192}
"""Stays that are in memory twice while they become sessions."""

_MS: Final = "toUnixTimestamp64Milli"
_NO_TIME: Final = "toDateTime64(0, 3, 'UTC')"
_STAY: Final = "room_kind, room_id, session_id, opened_at"
_HASH: Final = f"cityHash64({_STAY})"
_DAY: Final = "toUInt16(toDate(opened_at))"
_ORDER: Final = "bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0)"
"""Log order, in which an answer follows its consequences, as in the projection by_stay."""
_OF_PARTITIONS: Final = "log_partition IN {numbers:Array(UInt16)}"
_HASHES: Final = 1 << 64
_CLOSED_SINCE: Final = "{closed_since_ms:Array(Int64)}[log_partition + 1]"

BALANCE: Final = f"""
SELECT log_partition, toUInt16(toDate(opened_at)), {_MS}(max(judged_at)),
    sumIf({_HASH}, fact = 'session_opened') - sumIf({_HASH}, fact = 'session_closed')
FROM room_events
WHERE {_OF_PARTITIONS}
GROUP BY log_partition, toDate(opened_at)"""
"""Answered by the projection by_opening, spelled as there."""

# The condition on the lease is the index lease_horizon's, spelled as there.
_LEASE_ENDS: Final = """if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
        toUnixTimestamp64Milli(lease_ends_at))"""
_LEASED: Final = f"""
SELECT {_STAY}
FROM room_events
WHERE {_OF_PARTITIONS} AND opened_at > {_NO_TIME} AND {_LEASE_ENDS} > {{leases_since_ms:Int64}}"""
_BARRED: Final = f"""
SELECT {_STAY}
FROM room_events
WHERE {_OF_PARTITIONS} AND opened_at > {_NO_TIME} AND room_kind = 'account'
    AND {_LEASE_ENDS} > {{all_closed_since_ms:Int64}}"""
_CLOSED: Final = f"""
SELECT {_STAY}
FROM room_events
WHERE {_OF_PARTITIONS} AND opened_at > {_NO_TIME} AND fact = 'session_closed'
    AND at >= fromUnixTimestamp64Milli({{all_closed_since_ms:Int64}}, 'UTC') AND {_MS}(at) >= {_CLOSED_SINCE}"""
_UNCLOSED_OF_DAYS: Final = f"""
SELECT {_STAY}
FROM room_events
WHERE (log_partition, {_DAY}) IN {{days:Array(Tuple(UInt16, UInt16))}}
    AND at >= fromUnixTimestamp64Milli({{days_since_ms:Int64}}, 'UTC')
GROUP BY {_STAY}
HAVING countIf(fact = 'session_opened') > 0 AND countIf(fact = 'session_closed') = 0"""

_FOUND: Final = f"""
SELECT log_partition, {_DAY}, sum({_HASH})
FROM
(
    SELECT log_partition, {_STAY}
    FROM room_events
    PREWHERE opened_at IN (SELECT opened_at FROM ({_LEASED}))
    WHERE ({_STAY}) IN ({_LEASED}) AND at >= (SELECT min(opened_at) FROM ({_LEASED}))
    GROUP BY log_partition, {_STAY}
    HAVING countIf(fact = 'session_opened') > 0 AND countIf(fact = 'session_closed') = 0
)
GROUP BY log_partition, {_DAY}"""


def _stays(wanted: str) -> str:
    """Return the SQL of everything that is to be known of the stays which a query names."""
    return f"""
SELECT
    toString(room_kind), room_id, session_id, {_MS}(opened_at),
    minIf({_ORDER}, fact = 'session_opened') AS place,
    anyIf((user_id, {_MS}(lease_ends_at), extra), fact = 'session_opened'),
    countIf(fact = 'session_closed') AS closings,
    anyIf(({_MS}(at), reason), fact = 'session_closed'),
    argMax(if(moved, (state, connections, send_streams, recv_streams),
        (prev_state, prev_connections, prev_send_streams, prev_recv_streams)), {_ORDER}),
    argMax({_MS}(if(moved AND state != prev_state, at, prev_since)), {_ORDER}),
    {_MS}(max(at)),
    {_MS}(argMaxIf(lease_ends_at, {_ORDER}, lease_ends_at != {_NO_TIME})),
    maxIf(client_seq, fact = 'status_judged' AND verdict NOT IN ('duplicate', 'late')),
    arrayReverse(arrayMap(each -> tupleElement(each, 2), groupArraySortedIf({IDS_PER_STAY})(
        (bitNot({_ORDER}), input_id), fact = 'status_judged' AND input_id != '' AND verdict != 'duplicate'))),
    JSONExtractInt(argMaxIf(extra, {_ORDER}, fact = 'session_refreshed' AND JSONHas(extra, 'client_max_size')),
        'client_max_size')
FROM room_events
PREWHERE opened_at IN (SELECT opened_at FROM ({wanted}))
WHERE ({_STAY}) IN ({wanted}) AND at >= (SELECT min(opened_at) FROM ({wanted}))
GROUP BY {_STAY}, log_partition
HAVING countIf(fact = 'session_opened') > 0
    AND (closings = 0 OR {_MS}(maxIf(at, fact = 'session_closed')) >= {_CLOSED_SINCE}
        OR (room_kind = 'account' AND anyIf(reason, fact = 'session_closed') IN ('killed', 'replaced')
            AND {_MS}(argMaxIf(lease_ends_at, {_ORDER}, lease_ends_at != {_NO_TIME})) > {_CLOSED_SINCE}))"""


def _in_order(searches: Iterable[str]) -> str:
    """Return the SQL of all wanted stays in the order of their openings."""
    wanted = " UNION ALL ".join(searches)
    by_age = (
        _stays(f"SELECT {_STAY} FROM ({wanted}) WHERE {_MS}(opened_at) {age} {{young_since_ms:Int64}}")
        for age in (">=", "<")
    )
    return f"SELECT * FROM ({' UNION ALL '.join(by_age)}) ORDER BY place"


class StoredStay(NamedTuple):
    """What is to be known of one stay."""

    room_kind: str
    room_id: str
    opened: Fact
    closed: Fact | None
    snapshot: Snapshot
    """After its newest fact."""
    since_ms: int
    """When the snapshot's state was entered."""
    at_ms: int
    lease_ends_at_ms: int
    seq: int
    recent_ids: Sequence[str]
    """Oldest first."""
    client_max_size: int
    """What the client said it can handle when it opened its session again; 0 = nothing."""


async def live_stays(store: Store, closed_since_ms: Mapping[int, int]) -> AsyncIterator[list[StoredStay]]:
    """Yield the stays of some partitions that are live, or count as closed since, in log order of their openings.

    Shape: `closed_since_ms` has the time for each partition that is wanted.
    Raises: StoreUnavailable, StoreRefused.
    """
    partitions = max(closed_since_ms, default=-1) + 1
    since = [closed_since_ms.get(number, NEVER_MS) for number in range(partitions)]
    parameters: dict[str, Any] = {
        "numbers": sorted(closed_since_ms),
        "closed_since_ms": since,
        "all_closed_since_ms": min(since, default=0),
    }
    searches = await _searches(store, parameters)
    async for block in store.stream_rows(_in_order(searches), parameters, _BLOCK):
        yield [stay_of(row) for row in block]


async def _searches(store: Store, parameters: dict[str, Any]) -> list[str]:
    """Return the queries that find every wanted stay, and add what they need to the parameters."""
    balance = await store.rows(BALANCE, parameters)
    newest_ms = max((judged_at_ms for _, _, judged_at_ms, _ in balance), default=0)
    parameters |= {"leases_since_ms": newest_ms - _LEASE_SLACK_MS, "young_since_ms": newest_ms - _DAY_MS}
    unclosed = {(partition, day): total for partition, day, _, total in balance if total}
    if not unclosed:
        return [_CLOSED, _BARRED]
    found = {(partition, day): total for partition, day, total in await store.rows(_FOUND, parameters)}
    missing = [place for place, total in unclosed.items() if total % _HASHES != found.get(place, 0)]
    if not missing:
        return [_CLOSED, _BARRED, _LEASED]
    parameters |= {"days": missing, "days_since_ms": min(day for _, day in missing) * _DAY_MS}
    return [_CLOSED, _BARRED, _LEASED, _UNCLOSED_OF_DAYS]


def stay_of(row: Sequence[Any]) -> StoredStay:
    """Return the stay of one row."""
    room_kind, room_id, session_id, opened_at_ms, _, opening, closings, closing, snapshot, *rest = row
    user_id, lease_ends_at_ms, extra = opening
    members = msgspec.json.decode(extra, type=dict[str, Any]) if extra else {}
    opened = Fact(
        "session_opened",
        0,
        opened_at_ms,
        session_id,
        user_id,
        opened_at_ms,
        OPENING,
        lease_ends_at_ms=lease_ends_at_ms,
        extra=members,
    )
    closed = None
    if closings:
        closed = Fact("session_closed", 0, closing[0], session_id, user_id, opened_at_ms, reason=closing[1])
    return StoredStay(room_kind, room_id, opened, closed, Snapshot(*snapshot), *rest)
