"""What the store has, as the experiment asks for it: the rows of one round, and whether earlier ones are as they were.

Everything is asked past the proxy, with plain SQL on the one table that is written.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from roomstate.chaos.witness import MARK_PREFIX
from storage.store import Store

_ROWS_SQL: Final = """
SELECT log_partition, log_offset, log_index, kind, fact, reason, room_id, session_id, input_id, user_agent,
    JSONExtractString(extra, 'room_name')
FROM room_events
WHERE fact_index = 0 AND log_offset >= {begins:Array(UInt64)}[log_partition + 1]
"""

_SETTLED_SQL: Final = """
SELECT count(), sum(cityHash64(log_partition, log_offset, log_index, fact_index, kind, fact, reason, verdict, room_id,
    session_id, user_id, user_agent, input_id, at, judged_at, extra))
FROM room_events
WHERE log_offset < {ends:Array(UInt64)}[log_partition + 1]
"""

# Consequences apply before the answer, fact 0. Of a session, openings and closings take turns.
_TURNS_SQL: Final = """
SELECT room_id, session_id, fact, log_partition, log_offset, log_index
FROM
(
    SELECT *, lagInFrame(fact, 1, '') OVER
        (PARTITION BY room_kind, room_id, session_id
         ORDER BY log_offset, log_index, if(fact_index = 0, 65536, fact_index)
         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
    FROM room_events
    WHERE fact IN ('session_opened', 'session_closed')
)
WHERE fact = before
LIMIT 20
"""

# Every opening has a number; in each partition they rise in the order of the log, and no two are the same anywhere.
_NUMBERS_SQL: Final = """
SELECT log_partition, log_offset, log_index, session_number, before
FROM
(
    SELECT log_partition, log_offset, log_index, session_number, lagInFrame(session_number, 1, 0) OVER
        (PARTITION BY log_partition ORDER BY log_offset, log_index, if(fact_index = 0, 65536, fact_index)
         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
    FROM room_events
    WHERE fact = 'session_opened'
)
WHERE session_number <= before OR session_number % 4096 != log_partition
LIMIT 20
"""

_CROWD_SQL: Final = """
SELECT max(inside)
FROM
(
    SELECT sum(if(fact = 'session_opened', 1, -1)) OVER
        (ORDER BY log_offset, log_index, if(fact_index = 0, 65536, fact_index)
         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS inside
    FROM room_events
    WHERE fact IN ('session_opened', 'session_closed') AND room_kind = 'call' AND room_id = {room:String}
)
"""


class Stored(NamedTuple):
    """The answer to one input, as it stands in the store."""

    log_partition: int
    log_offset: int
    log_index: int
    kind: str
    fact: str
    reason: str
    room_id: str
    session_id: str
    input_id: str
    user_agent: str
    room_name: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the input stands in the log."""
        return self.log_partition, self.log_offset, self.log_index

    @property
    def mark(self) -> str:
        """The mark by which the witness knows the input; empty = it has none."""
        if self.user_agent.startswith(MARK_PREFIX):
            return self.user_agent
        if self.kind in ("room_create", "room_update"):
            return self.room_name
        return {"register": f"user {self.room_id}", "room_delete": f"delete {self.room_id}"}.get(self.kind, "")

    def __str__(self) -> str:
        """Name it to a person."""
        return (
            f"partition {self.log_partition}, offset {self.log_offset}, index {self.log_index}"
            f" ({self.kind}: {self.fact})"
        )


async def stored_since(store: Store, begins: Sequence[int]) -> list[Stored]:
    """Return the answers to all inputs from these offsets of the partitions on."""
    return [Stored(*row) for row in await store.rows(_ROWS_SQL, {"begins": list(begins)})]


async def settled_digest(store: Store, ends: Sequence[int]) -> tuple[int, int]:
    """Return how many facts there are before these offsets of the partitions, and a digest of all of them."""
    ((facts, digest),) = await store.rows(_SETTLED_SQL, {"ends": list(ends)})
    return facts, digest


async def turns_not_taken(store: Store) -> list[str]:
    """Name the sessions that were opened while open, or closed while closed."""
    rows = await store.rows(_TURNS_SQL)
    return [f"session {row[1]} of room {row[0]}: {row[2]} twice in a row, at {row[3:]}" for row in rows]


async def numbers_out_of_order(store: Store) -> list[str]:
    """Name the openings whose number is not above that of the opening before, or of another partition's."""
    rows = await store.rows(_NUMBERS_SQL)
    return [f"opening at {row[:3]} has number {row[3]} after {row[4]}" for row in rows]


async def most_inside(store: Store, room: str) -> int:
    """Return how many sessions were in the room at once at most."""
    ((most,),) = await store.rows(_CROWD_SQL, {"room": room})
    return int(most)
