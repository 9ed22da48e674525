"""The SQL behind the session control: live sessions of every kind as its JSON, and which session a number names.

The store writes the JSON itself: of 100,000 sessions that takes a third of what it takes to write it here.
Source: contract 4.3; section 8.7 of it says what `app`, `stream` and `type` are.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final, NamedTuple

from storage.reading import Rows
from storage.store import Store

FILTERS: Final = ("room_kind", "app", "stream", "type", "user", "client_ip")
"""By which of a session's members a list may be narrowed."""
LOOKED_UP_MAX: Final = 1_000
"""More numbers than this are looked for among those of all live sessions: in a query they would be too long."""

_SECONDS: Final = "toUnixTimestamp"
_FIELDS: Final = f"""
    session_number AS id,
    multiIf(notEmpty(live.app), live.app, notEmpty(live.service), live.service, toString(live.room_kind)) AS app,
    live.room_id AS stream,
    if(notEmpty(live.protocol), live.protocol, toString(live.room_kind)) AS type,
    live.client_ip AS client_ip,
    live.user_agent AS user_agent,
    {_SECONDS}(live.opened_at) AS created,
    {_SECONDS}(live.last_seen_at) AS last_access,
    live.bytes_sent AS bytes_sent,
    live.bytes_recv AS bytes_recv"""
_DETAILS: Final = f"""
    toString(live.room_kind) AS room_kind,
    live.session_id AS session,
    live.user_id AS user,
    live.state AS state,
    live.device_type AS device_type,
    if(isNull(live.lease_ends_at), NULL, {_SECONDS}(assumeNotNull(live.lease_ends_at))) AS lease_ends"""
_MEMBERS: Final = (
    *("id", "app", "stream", "type", "client_ip", "user_agent", "created", "last_access"),
    *("bytes_sent", "bytes_recv"),
)
_AS_JSON: Final = """SETTINGS output_format_json_array_of_rows = 1, output_format_json_quote_64bit_integers = 0,
    output_format_json_escape_forward_slashes = 0"""
_NAMES: Final = "session_number, toString(room_kind), room_id, session_id"


class NamedSession(NamedTuple):
    """A live session by its number and by its names."""

    number: int
    room_kind: str
    room: str
    session: str


class Wanted(NamedTuple):
    """Which of the live sessions are listed, in the order of their numbers."""

    filters: Mapping[str, str]
    """Of `FILTERS`, what each must be."""
    after: int
    limit: int
    has_details: bool
    """Whether members that the contract does not have are told too."""


def session_list(store: Store, wanted: Wanted) -> AsyncIterator[bytes]:
    """Yield the JSON array of the sessions, piece by piece.

    Raises: StoreUnavailable, StoreRefused.
    """
    conditions = "".join(f" AND {name} = {{{name}:String}}" for name in FILTERS if name in wanted.filters)
    sql = f"""
SELECT {"*" if wanted.has_details else ", ".join(_MEMBERS)}
FROM (SELECT {_FIELDS},{_DETAILS} FROM live_sessions AS live)
WHERE id > {{after:UInt64}}{conditions}
ORDER BY id
LIMIT {{limit:UInt64}}
{_AS_JSON}"""
    parameters = {**wanted.filters, "after": wanted.after, "limit": wanted.limit}
    return store.stream_bytes(sql, "JSONEachRow", parameters)


async def sessions_of_numbers(store: Store, numbers: Collection[int]) -> list[NamedSession]:
    """Return which live sessions the numbers name; a number that names none is left out.

    Raises: StoreUnavailable, StoreRefused.
    """
    if len(numbers) <= LOOKED_UP_MAX:
        rows = await store.rows(
            f"SELECT {_NAMES} FROM live_sessions WHERE session_number IN {{numbers:Array(UInt64)}}",
            {"numbers": sorted(numbers)},
        )
        return [NamedSession(*row) for row in rows]
    wanted = frozenset(numbers)
    found: list[NamedSession] = []
    async for block in store.stream_rows(f"SELECT {_NAMES} FROM live_sessions"):
        found += [NamedSession(*row) for row in block if row[0] in wanted]
    return found


async def live_count(store: Rows) -> int:
    """Return how many sessions are live.

    Raises: StoreUnavailable, StoreRefused.
    """
    ((count,),) = await store.rows("SELECT count() FROM live_sessions", {})
    return int(count)


def names_of(session: NamedSession) -> dict[str, Any]:
    """Return how an input names the session."""
    return {"room_kind": session.room_kind, "room": session.room, "session": session.session}
