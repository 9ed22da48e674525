"""The names of what differs between an input and its row, for the person who is told that they differ."""

from typing import Final

from roomstate.verification.text import CORE_PARTS, PERSONAL_PARTS, Expected
from storage.store import Store

_PARTS: Final = {**CORE_PARTS, **PERSONAL_PARTS}
_ROW: Final = f"""
SELECT fact, {", ".join(_PARTS.values())}
FROM room_events
WHERE log_partition = {{partition:UInt16}} AND log_offset = {{offset:UInt64}} AND log_index = {{index:UInt32}}
    AND fact_index = 0
LIMIT 1"""


async def changed_columns(store: Store, place: tuple[int, int, int], expected: Expected) -> str:
    """Return the columns in which the row at (partition, offset, index) is not what it must be.

    Raises: StoreUnavailable, StoreRefused.
    """
    partition, offset, index = place
    rows = await store.rows(_ROW, {"partition": partition, "offset": offset, "index": index})
    if not rows:
        return ""
    fact, *parts = rows[0]
    if expected.is_dead_letter != (fact == "dead_letter"):
        return "fact"
    if expected.is_dead_letter:
        return "reason or bytes"
    wanted = (*expected.core, *expected.personal)
    names = [name for name, held, due in zip(_PARTS, parts, wanted, strict=True) if held != due]
    return ", ".join(names) or "what no column holds, or a consequence"
