"""The last session number of each log partition, as the store has it (state_machine.numbers).

Source: storage/migrations/0008_session_numbers.sql.
"""

from collections.abc import Iterable
from typing import Final

from storage.store import Store

_LAST: Final = """
SELECT log_partition, max(session_number)
FROM room_events WHERE log_partition IN {wanted:Array(UInt16)} GROUP BY log_partition
UNION ALL
SELECT log_partition, max(mark_session_number)
FROM owners WHERE log_partition IN {wanted:Array(UInt16)} GROUP BY log_partition"""


async def last_numbers(store: Store, partitions: Iterable[int]) -> dict[int, int]:
    """Return the number of each partition's last opening, also if retention took its rows; 0 = none yet.

    Raises: StoreUnavailable, StoreRefused.
    """
    wanted = sorted(set(partitions))
    last = dict.fromkeys(wanted, 0)
    for partition, number in await store.rows(_LAST, {"wanted": wanted}):
        last[partition] = max(last[partition], number)
    return last
