"""`roomstate accept-gap`: declares offsets lost that are not in the store and that the log no longer has or can't give.

A partition with such a gap stands still, because going on by itself would hide a loss. A person decides, and the store
keeps the record (design section 6). Only what comes right after the store's mark is a gap: what can be read before it
is for a processor to store first.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from roomstate.connecting import connected_store
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Bounds, EventLog, LogMismatch, LogUnreadable
from storage.open_log import open_log
from storage.ownership import LogGap, Mark, accept_gap, check_log, stored_marks
from storage.settings import Settings


class _Gap(NamedTuple):
    gap: LogGap
    why: str


async def run_accept_gap(settings: Settings, is_confirmed: bool) -> int:
    """Print every gap; record them if confirmed. Return 0 if none is left, else 1.

    Raises: LogMismatch, LogUnavailable, StoreUnavailable, StoreRefused.
    """
    log = open_log(settings.log_engine_url, settings.partition_count, may_make=False)
    try:
        async with await connected_store(settings, settings.store_engine_url()) as store:
            marks = await stored_marks(store, range(log.partitions))
            bounds = log.bounds(INPUTS_TOPIC)
            gaps = list(_gaps(log, marks, bounds, await check_log(store, log.log_id, bounds, marks)))
            for gap, why in gaps:
                sys.stdout.write(
                    f"partition {gap.partition}: offsets {gap.first_missing} to {gap.last_missing} are not in the store"
                    f" and {why}\n"
                )
                if is_confirmed:
                    await accept_gap(store, gap, now_ms())
    finally:
        log.close()
    if not gaps:
        sys.stdout.write("there is no gap between the store and the log\n")
    elif is_confirmed:
        sys.stdout.write("accepted as lost; processors go on behind them\n")
    else:
        sys.stdout.write("nothing was changed; --yes accepts them as lost\n")
    return 1 if gaps and not is_confirmed else 0


def _gaps(
    log: EventLog, marks: Mapping[int, Mark], bounds: Mapping[int, Bounds], problems: Mapping[int, LogMismatch]
) -> Iterator[_Gap]:
    for partition, mark in sorted(marks.items()):
        problem = problems.get(partition)
        if isinstance(problem, LogGap):
            yield _Gap(problem, "no longer in the log")
        elif problem is None:
            yield from _unreadable(log, partition, mark.offset + 1, bounds[partition].end)


def _unreadable(log: EventLog, partition: int, first: int, end: int) -> Iterator[_Gap]:
    """Yield the run of offsets from the first on that the log can't give, if there is one."""
    last, why = first, ""
    while last < end:
        try:
            log.read(INPUTS_TOPIC, partition, last, 1)
        except LogUnreadable as error:
            why = why or str(error)
        else:
            break
        last += 1
    if why:
        yield _Gap(LogGap(partition, first, last - 1), f"can't be read from the log ({why})")
