"""The pipeline's health in one message: what can be reached, the account, how far the store is behind, how fresh it is.

Source: design section 6 (accepted = stored + dead-lettered + pending) and 7 (freshness).
"""

import asyncio
from typing import Any, Final

from ingest.edge import Edge
from ingest.live.panels import LIMITS, store_time
from storage.accounting import read_accounting
from storage.clock import now_ms
from storage.event_log import LogUnavailable
from storage.panels import read_panel
from storage.store import StoreError

_PATIENCE_S: Final = 3.0


_FRESHNESS: Final = read_panel("freshness")
_FRESHNESS_SPAN_MS: Final = 60_000


async def read_health(edge: Edge) -> dict[str, Any]:
    """Return what the top of the page shows; `accounting`, `lag` and `freshness` are None while they can't be known.

    Units: `at_ms` epoch milliseconds, UTC; the lag's `age_ms` is the age of the oldest frame that is not stored,
    `p95_ms` is of the last minute's inputs.
    """
    await edge.lag.look()
    troubles = {part: trouble for part, trouble in edge.lag.troubles.items() if trouble}
    if edge.writer.trouble:
        troubles["log"] = f"nothing can be written: {edge.writer.trouble}"
    tail = edge.lag.tail
    return {
        "at_ms": now_ms(),
        "troubles": troubles,
        "lag": tail and {"frames": tail.frames, "inputs": tail.inputs, "age_ms": tail.age_ms},
        "accounting": await _account(edge),
        "freshness": await _freshness(edge),
    }


async def _account(edge: Edge) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            account = await read_accounting(await edge.store.store(), edge.log)
    except (LogUnavailable, StoreError, TimeoutError):
        return None
    return {
        "balanced": account.balanced,
        "accepted": account.accepted,
        "stored": account.stored,
        "dead_lettered": account.dead_lettered,
        "pending": account.pending,
    }


async def _freshness(edge: Edge) -> dict[str, Any] | None:
    now = now_ms()
    span = {"from": store_time(now - _FRESHNESS_SPAN_MS), "to": store_time(now)}
    try:
        columns, rows = await edge.store.named_rows(_FRESHNESS.sql, _FRESHNESS.values(span), LIMITS)
    except StoreError:
        return None
    found = dict(zip(columns, rows[0], strict=True))
    return found if found["inputs"] else None
