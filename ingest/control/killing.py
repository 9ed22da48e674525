"""Ending sessions by their numbers: one `kill` input for each, answered once all are decided.

A number that names no live session is passed over, so the same call may be sent again; what was decided before a
failure stays decided. Source: contracts 4.4 and 8.8.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from ingest.commands import Placed, new_id
from ingest.control.refusals import ControlRefusal
from ingest.edge import Edge
from ingest.lines import Line, placed
from storage.clock import now_ms
from storage.session_list import NamedSession, names_of, sessions_of_numbers

BATCH: Final = 1_000
"""Kills that are appended and waited for together."""
_PATIENCE_FOR_A_BATCH: Final = 3.0
"""How many times as long as one decision a whole batch may take, beside whatever else is decided then."""
_NUMBER_MAX: Final = (1 << 64) - 1


def numbers_of(body: bytes) -> frozenset[int] | None:
    """Return the numbers in a JSON array, those that are text included, what can't be one left out; None = no array."""
    try:
        listed = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return frozenset(_numbers(listed)) if isinstance(listed, list) else None


def _numbers(listed: Iterable[Any]) -> Iterable[int]:
    for value in listed:
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
            value = int(value)  # noqa: PLW2901  # the same number, spelled as text
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _NUMBER_MAX:
            yield value


async def kill(edge: Edge, numbers: frozenset[int]) -> int:
    """End the sessions and return how many were live.

    Raises: Unanswered, StoreError; what was decided until then stays so.
    """
    if not numbers:
        return 0
    sessions = await sessions_of_numbers(await edge.store.store(), numbers)
    for start in range(0, len(sessions), BATCH):
        some = sessions[start : start + BATCH]
        patience = 1 + (_PATIENCE_FOR_A_BATCH - 1) * len(some) / BATCH
        await edge.commands.ask_all([_placed(session, edge.partitions) for session in some], patience)
    return len(sessions)


def _placed(session: NamedSession, partitions: int) -> Placed:
    line = Line(kind="kill", received_at_ms=now_ms(), id=new_id(), **names_of(session), extra={"by": "session control"})
    return Placed(*placed(line, partitions), (line.room_kind, line.room, line.id))


def required_numbers(body: bytes) -> frozenset[int]:
    """Return the numbers of a body.

    Raises: ControlRefusal (200, as the contract has it) if it is no array.
    """
    numbers = numbers_of(body)
    if numbers is None:
        raise ControlRefusal(200)
    return numbers
