"""The store's side of the quick comparison: its rows to sums of hashes, one for each bucket of offsets.

A day at a time, because sums may be added up in any order: so no question takes long, and progress can be told.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from roomstate.verification.sums import HASHES, Buckets
from roomstate.verification.text import ROW_HASH
from storage.store import Store

StoreSums = dict[int, tuple[int, int]]
"""Of one partition, by bucket: how many answers it holds and the sum of their hashes."""

_DAYS: Final = "SELECT DISTINCT _partition_id FROM room_events ORDER BY _partition_id"
_SUMS: Final = f"""
SELECT
    log_partition,
    intDiv(log_offset - {{starts:Array(UInt64)}}[log_partition + 1], {{widths:Array(UInt64)}}[log_partition + 1])
        AS bucket,
    count(),
    sum({ROW_HASH})
FROM room_events
WHERE _partition_id = {{day:String}} AND fact_index = 0 AND log_partition < {{partitions:UInt32}}
    AND log_offset >= {{starts:Array(UInt64)}}[log_partition + 1]
    AND log_offset < {{stops:Array(UInt64)}}[log_partition + 1]
GROUP BY log_partition, bucket"""


async def store_sums(
    store: Store, buckets: Sequence[Buckets], progress: Callable[[str, int, int], None]
) -> list[StoreSums]:
    """Return the sums of every partition, in their order.

    Raises: StoreUnavailable, StoreRefused.
    """
    parameters: dict[str, Any] = {
        "partitions": len(buckets),
        "starts": [each.start for each in buckets],
        "stops": [each.stop for each in buckets],
        "widths": [each.width for each in buckets],
    }
    sums: list[StoreSums] = [{} for _ in buckets]
    days = [day for (day,) in await store.rows(_DAYS)]
    for done, day in enumerate(days):
        progress("the store's days", done, len(days))
        async for block in store.stream_rows(_SUMS, {**parameters, "day": day}):
            for partition, bucket, rows, total in block:
                held = sums[partition].get(bucket, (0, 0))
                sums[partition][bucket] = held[0] + rows, (held[1] + total) % HASHES
    progress("the store's days", len(days), len(days))
    return sums
