"""The SQL behind the live feed: who is live, and which facts the store got since.

A look asks only for what lies behind the highest offset known of each partition. What keeps it cheap is the time of
judging: each part knows the newest and oldest of its rows, so that only parts with recent rows are opened. Whoever asks
has to notice if a fact was judged by a clock so far behind that this leaves it out (`highest_offsets` tells).
Units: `*_ms` are integer milliseconds since the epoch, UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from storage.reading import Rows

FACTS_MAX: Final = 20_000
"""Facts of one look; of more at once the newest state is read again instead."""
_EVENT_CHARACTERS: Final = 200
_MS: Final = "toUnixTimestamp64Milli"


class LiveStay(NamedTuple):
    """A live session as the view `live_sessions` has it."""

    room_kind: str
    room: str
    session: str
    opened_at_ms: int
    state: str
    connections: int
    send_streams: int
    recv_streams: int
    last_seen_ms: int
    lease_ends_at_ms: int
    """0 = never."""
    user: str


class LiveFact(NamedTuple):
    """A fact about a session, in the order of the log."""

    partition: int
    offset: int
    room_kind: str
    room: str
    session: str
    opened_at_ms: int
    fact: str
    event: str
    """Its beginning."""
    state: str
    prev_state: str
    connections: int
    send_streams: int
    recv_streams: int
    verdict: str
    reason: str
    moved: bool
    at_ms: int
    received_at_ms: int
    judged_at_ms: int
    lease_ends_at_ms: int
    user: str


_STAYS_SQL: Final = f"""
SELECT toString(room_kind), room_id, session_id, {_MS}(opened_at), state, connections, send_streams, recv_streams,
    {_MS}(last_seen_at), ifNull({_MS}(lease_ends_at), 0), user_id
FROM live_sessions
ORDER BY opened_at DESC
LIMIT {{limit:UInt32}}"""

_FACTS_SQL: Final = f"""
SELECT log_partition, log_offset, toString(room_kind), room_id, session_id, {_MS}(opened_at), fact,
    substringUTF8(event, 1, {_EVENT_CHARACTERS}), state, prev_state, connections, send_streams, recv_streams, verdict,
    reason, moved, {_MS}(at), {_MS}(received_at), {_MS}(judged_at), {_MS}(lease_ends_at), user_id
FROM room_events
PREWHERE judged_at >= fromUnixTimestamp64Milli({{since_ms:Int64}}, 'UTC')
    AND log_offset > {{marks:Array(Int64)}}[log_partition + 1]
ORDER BY log_partition, log_offset, log_index, fact_index = 0, fact_index
LIMIT {FACTS_MAX}"""

_OFFSETS_SQL: Final = """
SELECT log_partition, last_offset FROM accounting"""


async def live_stays_now(store: Rows, limit: int) -> list[LiveStay]:
    """Return the live sessions of every kind of room; the newest ones if there are more than `limit`."""
    return [LiveStay(*row) for row in await store.rows(_STAYS_SQL, {"limit": limit})]


async def facts_behind(store: Rows, marks: Sequence[int], since_ms: int) -> list[LiveFact]:
    """Return the facts behind the marks that were judged at or after `since_ms`, partition by partition in log order.

    Shape: `marks` has the highest offset known for each partition, by number; -1 = none.
    """
    rows = await store.rows(_FACTS_SQL, {"marks": list(marks), "since_ms": since_ms})
    return [LiveFact(*row) for row in rows]


async def highest_offsets(store: Rows) -> Mapping[int, int]:
    """Return the highest offset in the store of each partition that has any."""
    rows: Sequence[tuple[Any, ...]] = await store.rows(_OFFSETS_SQL, {})
    return {partition: int(offset) for partition, offset in rows}
