"""The SQL behind the reads of playback: what of one account is playing, and whether an id is taken elsewhere.

Everything is read from `room_events`, by room or by session, which have what it takes to be found.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: contract 1.1.
"""

from dataclasses import dataclass
from typing import Final

from storage.reading import Rows


@dataclass(frozen=True, slots=True)
class Playing:
    """A live session of an account, and what its client last said of itself."""

    session: str
    device_type: str
    service: str
    client_ip: str
    user_agent: str
    started_at_ms: int
    updated_at_ms: int
    """When it was opened or kept alive last."""


_MS: Final = "toUnixTimestamp64Milli"
_ORDER: Final = "(log_offset, log_index, fact_index = 0, fact_index)"
_HAS_LEASE: Final = "lease_ends_at != toDateTime64(0, 3, 'UTC')"
_HAS_STAY: Final = "opened_at > toDateTime64(0, 3, 'UTC')"
_IS_LIVE: Final = f"""countIf(fact = 'session_closed') = 0 AND countIf(fact = 'session_opened') > 0
    AND (countIf({_HAS_LEASE}) = 0 OR argMaxIf(lease_ends_at, {_ORDER}, {_HAS_LEASE}) > now64(3))"""


def _newest(column: str) -> str:
    return f"argMaxIf({column}, {_ORDER}, {column} != '')"


# No projection answers these questions, and looking for one costs the engine a quarter of the time.
_OF_ACCOUNT: Final = f"""
SELECT session_id, {_newest("device_type")}, {_newest("service")}, {_newest("client_ip")}, {_newest("user_agent")},
    {_MS}(opened_at), {_MS}(maxIf(at, fact IN ('session_opened', 'session_refreshed')))
FROM room_events
WHERE room_kind = 'account' AND room_id = {{account:String}} AND {_HAS_STAY}
GROUP BY session_id, opened_at
HAVING {_IS_LIVE}
ORDER BY min({_ORDER})
SETTINGS optimize_use_projections = 0"""
_ELSEWHERE: Final = f"""
SELECT 1
FROM room_events
WHERE session_id = {{session:String}} AND room_kind = 'account' AND room_id != {{account:String}} AND {_HAS_STAY}
GROUP BY room_id, opened_at
HAVING {_IS_LIVE}
LIMIT 1
SETTINGS optimize_use_projections = 0"""


async def playing_sessions(store: Rows, account: str) -> list[Playing]:
    """Return the account's live sessions as they were let in: clocks of several ingest processes may say otherwise."""
    return [Playing(*row) for row in await store.rows(_OF_ACCOUNT, {"account": account})]


async def is_playing_elsewhere(store: Rows, account: str, session: str) -> bool:
    """Tell whether another account has a live session of this id."""
    return bool(await store.rows(_ELSEWHERE, {"account": account, "session": session}))
