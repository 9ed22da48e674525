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
from storage.accounting import Accounting, read_accounting
from storage.event_log import LogUnavailable
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
        """Tell whether this process answers; of several behind one port, which it is."""
        return JSONResponse(
            {"status": "ok"} if edge.sibling is None else {"status": "ok", "process": edge.sibling.name}
        )

    @router.get("/readyz")
    async def readyz() -> Response:
        """Tell whether log, store and processor are in reach (503 names what is not), and the store's lag."""
        await edge.lag.look()
        body = _readiness(edge)
        return JSONResponse(body) if body["ready"] else JSONResponse(body, 503, {"Retry-After": "1"})

    @router.get("/metrics", dependencies=guarded)
    async def metrics() -> Response:
        """Return the metrics in Prometheus' text form."""
        edge.measure()
        await edge.lag.look()
        return Response(edge.metrics.page(), media_type=_METRICS_TYPE)

    @router.get("/", dependencies=guarded, include_in_schema=False)
    async def page() -> Response:
        """Return a page with the accounting and where to look further."""
        return HTMLResponse(
            _PAGE.format(line=html.escape(await _accounting_line(edge))),
            headers={"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"},
        )

    return router


def _readiness(edge: Edge) -> dict[str, Any]:
    """Return the body of /readyz."""
    troubles = edge.lag.troubles
    if edge.writer.trouble:
        troubles = {**troubles, "log": f"nothing can be written: {edge.writer.trouble}"}
    missing = [name for name, trouble in troubles.items() if trouble]
    tail = edge.lag.tail
    return {
        "ready": not missing,
        "missing": missing,
        **{name: trouble or "ok" for name, trouble in troubles.items()},
        "lag": tail and {"frames": tail.frames, "inputs": tail.inputs, "seconds": tail.age_ms / 1000},
    }


async def _accounting(edge: Edge) -> Accounting:
    async with asyncio.timeout(_PROBE_S):
        return await read_accounting(await edge.store.store(), edge.log)


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
