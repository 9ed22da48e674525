"""`roomstate accept-gap`: declares offsets lost that are neither in the store nor any longer in the log.

A partition with such a gap stands still, because going on by itself would hide a loss. A person decides, and the store
keeps the record (design section 6).
"""

import sys

from roomstate.connecting import connected_store
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.open_log import open_log
from storage.ownership import LogGap, accept_gap, check_log, stored_marks
from storage.settings import Settings


async def run_accept_gap(settings: Settings, is_confirmed: bool) -> int:
    """Print every gap; record them if confirmed. Return 0 if none is left, else 1.

    Raises: LogMismatch, LogUnavailable, StoreUnavailable, StoreRefused.
    """
    log = open_log(settings.log_engine_url, settings.partition_count)
    try:
        async with await connected_store(settings, settings.store_engine_url()) as store:
            marks = await stored_marks(store, range(log.partitions))
            problems = await check_log(store, log.log_id, log.bounds(INPUTS_TOPIC), marks)
            gaps = [problem for problem in problems.values() if isinstance(problem, LogGap)]
            for gap in gaps:
                sys.stdout.write(
                    f"partition {gap.partition}: offsets {gap.first_missing} to {gap.last_missing} are neither in the"
                    " store nor in the log\n"
                )
                if is_confirmed:
                    await accept_gap(store, gap, now_ms())
    finally:
        log.close()
    if not gaps:
        sys.stdout.write("there is no gap between the store and the log\n")
    elif is_confirmed:
        sys.stdout.write("accepted as lost; a processor that is started now goes on behind them\n")
    else:
        sys.stdout.write("nothing was changed; --yes accepts them as lost\n")
    return 1 if gaps and not is_confirmed else 0
