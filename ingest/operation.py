"""What operators ask: alive, ready, the metrics, and the page at `/`.

/healthz and /readyz need no token wherever this runs, because what asks them seldom has one; they tell nothing else.
"""

import asyncio
import html
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from ingest.edge import Edge
from ingest.metrics import PLACES
from storage.accounting import Accounting, read_accounting
from storage.event_log import INPUTS_TOPIC, LogUnavailable
from storage.store import StoreError

_PROBE_S: Final = 3.0
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Roomstate</title></head>
<body>
<h1>Roomstate</h1>
<p>{line}</p>
<ul>
<li><a href="/v1/rooms?live=true">live rooms</a></li>
<li><a href="/v1/accounting">accounting</a></li>
<li><a href="/readyz">ready?</a></li>
<li><a href="/metrics">metrics</a></li>
<li><a href="/docs">the HTTP interface</a></li>
</ul>
</body>
</html>
"""


def operation_routes(edge: Edge, check_token: Callable[[Request], None]) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["operation"])
    guarded = [Depends(check_token)]

    @router.get("/healthz")
    async def healthz() -> Response:
        """Tell whether this process answers."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> Response:
        """Tell whether log, store and processor are in reach; 503 names what is not."""
        found = dict(zip(("log", "store", "processor"), await _probes(edge), strict=True))
        missing = [name for name, trouble in found.items() if trouble]
        body = {"ready": not missing, "missing": missing, **{name: trouble or "ok" for name, trouble in found.items()}}
        return JSONResponse(body, 503 if missing else 200, {"Retry-After": "1"} if missing else None)

    @router.get("/metrics", dependencies=guarded)
    async def metrics() -> Response:
        """Return the metrics in Prometheus' text form."""
        await _measure(edge)
        return Response(edge.metrics.page(), media_type=_METRICS_TYPE)

    @router.get("/", dependencies=guarded, include_in_schema=False)
    async def page() -> Response:
        """Return a page with the accounting and where to look further."""
        return HTMLResponse(
            _PAGE.format(line=html.escape(await _accounting_line(edge))),
            headers={"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"},
        )

    return router


async def _probes(edge: Edge) -> tuple[str, str, str]:
    """Return the trouble with log, store and processor; empty = none."""
    log, store, processor = await asyncio.gather(
        _trouble(asyncio.to_thread(edge.log.bounds, INPUTS_TOPIC)),
        _trouble(edge.store.rows("SELECT count() FROM owners")),
        _trouble(_processor(edge)),
    )
    return log, store, processor


async def _processor(edge: Edge) -> None:
    if not await asyncio.to_thread(edge.log.consumers):
        raise LogUnavailable("no processor is at work on the log")


async def _trouble(probe: Any) -> str:
    try:
        async with asyncio.timeout(_PROBE_S):
            await probe
    except TimeoutError:
        return "no answer in time"
    except (LogUnavailable, StoreError) as error:
        return str(error)
    return ""


async def _accounting(edge: Edge) -> Accounting:
    async with asyncio.timeout(_PROBE_S):
        return await read_accounting(await edge.store.store(), edge.log)


async def _measure(edge: Edge) -> None:
    metrics = edge.metrics
    lines, size_bytes = edge.writer.waiting
    sessions, rooms = edge.directory.size
    metrics.queue_inputs.set(lines)
    metrics.queue_bytes.set(size_bytes)
    metrics.directory_sessions.set(sessions)
    metrics.directory_rooms.set(rooms)
    try:
        account = await _accounting(edge)
    except (LogUnavailable, StoreError, TimeoutError):
        metrics.inputs.clear()  # unknown is not zero: the series is absent while the store is away
        return
    for place in PLACES:
        metrics.inputs.labels(place=place).set(getattr(account, place))


async def _accounting_line(edge: Edge) -> str:
    try:
        account = await _accounting(edge)
    except (LogUnavailable, StoreError, TimeoutError):
        return "The store can't be reached now."
    balance = "balanced" if account.balanced else "NOT balanced"
    return (
        f"{account.accepted} inputs accepted = {account.stored} stored + {account.dead_lettered} dead-lettered"
        f" + {account.pending} pending: {balance}."
    )
