"""The SQL that finds which streams are published, and who watches them.

The newest word on a stream, in log order, says whether it is published and where; an end of its lease that nobody has
written yet counts. Who watches is counted from the stays that are live now; a subscriber that came with a `node` is
counted on that edge. Everything stands in rows of room kind stream, which are sorted by stream.
No projection answers these questions, and looking for one costs the engine time, so it is told not to.
Units: `*_ms` are integer milliseconds since the epoch, UTC.  Source: contract 5; state_machine/publications.py.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from state_machine.room import NEVER_MS
from storage.reading import Rows, decoded_extra
from storage.restoring import FACT_COLUMNS, ORDER, StoredFact, fact_of
from storage.store import Store

_SAID: Final = "room_kind = 'stream' AND fact IN ('stream_published', 'stream_unpublished')"
_PLAIN: Final = "SETTINGS optimize_use_projections = 0"
_RUNNING: Final = f"""
SELECT {FACT_COLUMNS}
FROM room_events
WHERE {_SAID} AND log_partition IN {{numbers:Array(UInt16)}}
ORDER BY {ORDER} DESC
LIMIT 1 BY room_id"""

_NEWEST_OF_ONE: Final = f"""
SELECT room_id, fact, extra
FROM room_events
WHERE {_SAID} AND room_id = {{room:String}}
ORDER BY {ORDER} DESC
LIMIT 1
{_PLAIN}"""
_NEWEST_OF_ALL: Final = f"""
SELECT room_id, tupleElement(newest, 1), tupleElement(newest, 2)
FROM (SELECT room_id, argMax((fact, extra), {ORDER}) AS newest FROM room_events WHERE {_SAID} GROUP BY room_id)
WHERE tupleElement(newest, 1) = 'stream_published'
ORDER BY room_id
{_PLAIN}"""

_NO_TIME: Final = "toDateTime64(0, 3, 'UTC')"
_NODE: Final = "anyIf(JSONExtractString(extra, 'node'), fact = 'session_opened')"
_STAYS: Final = f"""
SELECT
    room_id,
    {_NODE} AS node,
    countIf(fact = 'session_closed') AS closings,
    argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
        lease_ends_at != {_NO_TIME}) AS lease_end
FROM room_events
WHERE room_kind = 'stream' AND session_id != '' AND opened_at > {_NO_TIME}"""
_IS_LIVE: Final = f"closings = 0 AND (lease_end = {_NO_TIME} OR lease_end > now64(3))"
_OF_ONE: Final = f"""
SELECT room_id, node, count()
FROM ({_STAYS} AND room_id = {{room:String}} GROUP BY room_id, session_id, opened_at)
WHERE {_IS_LIVE}
GROUP BY room_id, node
{_PLAIN}"""
# The condition on the lease is the index lease_horizon's, spelled as there.
_LEASED: Final = f"""FROM room_events
        WHERE room_kind = 'stream' AND session_id != '' AND opened_at > {_NO_TIME}
            AND if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
                toUnixTimestamp64Milli(lease_ends_at)) > toUnixTimestamp64Milli(now64(3))"""
_OF_ALL: Final = f"""
SELECT room_id, node, count()
FROM
(
    {_STAYS}
        AND at >= (SELECT min(opened_at) {_LEASED})
        AND opened_at IN (SELECT opened_at {_LEASED})
    GROUP BY room_id, session_id, opened_at
)
WHERE {_IS_LIVE}
GROUP BY room_id, node
{_PLAIN}"""


class PublishedStream(NamedTuple):
    """A stream that is published."""

    room: str
    """Scope and name, with a slash between them."""
    node: str
    """The origin's address."""
    region: str
    started_at_ms: int
    lease_ends_at_ms: int
    """`NEVER_MS` = it is published until it is unpublished."""


class Watching(NamedTuple):
    """How many live subscribers a stream has on one edge; '' = the edge is not known."""

    room: str
    node: str
    subscribers: int


async def running_publications(store: Store, partitions: Collection[int]) -> list[StoredFact]:
    """Return of each stream in the partitions that nobody unpublished the fact that says it is published.

    Raises: StoreUnavailable, StoreRefused.
    """
    rows = await store.rows(_RUNNING, {"numbers": sorted(partitions)})
    return [stored for stored in map(fact_of, rows) if stored.fact.name == "stream_published"]


async def published_stream(store: Rows, room: str) -> PublishedStream | None:
    """Return the stream if nobody unpublished it; its lease may be over.

    Raises: StoreUnavailable, StoreRefused.
    """
    rows = await store.rows(_NEWEST_OF_ONE, {"room": room})
    return _stream(*rows[0]) if rows and rows[0][1] == "stream_published" else None


async def published_streams(store: Rows) -> list[PublishedStream]:
    """Return every stream that nobody unpublished, by name; the leases of some may be over.

    Raises: StoreUnavailable, StoreRefused.
    """
    return [_stream(*row) for row in await store.rows(_NEWEST_OF_ALL, {})]


async def watching(store: Rows, room: str = "") -> list[Watching]:
    """Return who watches the stream, or all streams, by edge.

    Raises: StoreUnavailable, StoreRefused.
    """
    rows = await (store.rows(_OF_ONE, {"room": room}) if room else store.rows(_OF_ALL, {}))
    return [Watching(*row) for row in rows]


def publication_of(room: str, said: Mapping[str, Any]) -> PublishedStream:
    """Return the stream as the members beside the columns of its `stream_published` have it."""
    return PublishedStream(
        room,
        said.get("node", ""),
        said.get("region", ""),
        said.get("started_at_ms", 0),
        said.get("lease_ends_at_ms", 0) or NEVER_MS,
    )


def _stream(room: str, _fact: str, extra: str) -> PublishedStream:
    return publication_of(room, decoded_extra(extra))
