"""What lies outside of what is compared input by input: other partitions, offsets before the log's beginning or behind
its end.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from roomstate.verification.compare import Due
from roomstate.verification.result import PartitionResult
from storage.event_log import INPUTS_TOPIC, EventLog
from storage.store import Store

_OTHER_PARTITIONS: Final = """
SELECT log_partition, min(log_offset), max(log_offset), count()
FROM room_events
WHERE log_partition >= {partitions:UInt32}
GROUP BY log_partition
ORDER BY log_partition"""
_BEHIND_THE_END: Final = """
SELECT log_partition, min(log_offset), max(log_offset), count()
FROM room_events
WHERE log_partition < {partitions:UInt32} AND log_offset >= {ends:Array(UInt64)}[log_partition + 1]
GROUP BY log_partition
ORDER BY log_partition"""
_BEFORE_THE_BEGINNING: Final = """
SELECT log_partition, count()
FROM room_events
WHERE log_partition < {partitions:UInt32} AND fact_index = 0
    AND log_offset < {starts:Array(UInt64)}[log_partition + 1]
GROUP BY log_partition"""


async def note_what_lies_outside(
    log: EventLog, store: Store, dues: Sequence[Due], results: Sequence[PartitionResult]
) -> list[PartitionResult]:
    """Note it in the results, and return further ones of partitions that the log does not have.

    Raises: LogUnavailable, StoreUnavailable, StoreRefused.
    """
    parameters: dict[str, Any] = {"partitions": len(dues), "starts": [due.bounds.start for due in dues]}
    for partition, inputs in await store.rows(_BEFORE_THE_BEGINNING, parameters):
        results[partition].older = inputs
    for due in dues:
        first, stop = due.mark.offset + 1, due.bounds.start
        if first < stop:
            results[due.partition].add_offsets("lost", first, stop - 1, stop - first)
    await _note_what_lies_behind(log, store, dues, results)
    others = []
    for partition, first, last, count in await store.rows(_OTHER_PARTITIONS, parameters):
        others.append(PartitionResult(partition))
        others[-1].add_offsets("unexpected", first, last, count)
    return others


async def _note_what_lies_behind(
    log: EventLog, store: Store, dues: Sequence[Due], results: Sequence[PartitionResult]
) -> None:
    """Note rows behind the log's end, which may have gone on since it was noted."""
    # The rows first: a row that is there now has its frame in the log by the time that its end is looked at.
    parameters = {"partitions": len(dues), "ends": [due.bounds.end for due in dues]}
    if not (rows := await store.rows(_BEHIND_THE_END, parameters)):
        return
    bounds = await asyncio.to_thread(log.bounds, INPUTS_TOPIC)
    ends = [bounds[due.partition].end for due in dues]
    if any(last >= ends[partition] for partition, _, last, _ in rows):
        for partition, first, last, count in await store.rows(_BEHIND_THE_END, {**parameters, "ends": ends}):
            results[partition].add_offsets("unexpected", first, last, count)
