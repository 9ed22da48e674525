"""What operators ask: alive, ready, and the metrics.

/healthz and /readyz need no token wherever this runs, because what asks them seldom has one; they tell nothing else.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from ingest.edge import Edge
from storage.instruments import TEXT_TYPE


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
        return Response(edge.metrics.page(), media_type=TEXT_TYPE)

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
