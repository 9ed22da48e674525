"""GET /v1/panels and /v1/panels/{name}: the numbers of `dashboards/queries`."""

from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Request, Response

from ingest.edge import Edge
from ingest.live.panel_values import OddParameter, panel_values
from ingest.live.panels import TOO_MUCH_CODES, Panels
from ingest.native.described import reply, security, trouble
from storage.clock import now_ms
from storage.store import StoreRefused


def panel_routes(edge: Edge, check_reader: Callable[[Request], None], *, is_open: bool) -> APIRouter:
    """Return the routes; open ones need no token."""
    router = APIRouter(prefix="/v1/panels", tags=["panels"], dependencies=[Depends(check_reader)])
    extra = security(is_open=is_open)
    panels = Panels(edge.store)

    @router.get("", responses={200: reply("PanelList", "what can be asked"), **trouble(401)}, openapi_extra=extra)
    async def get_panels() -> Response:
        """Return which panels there are, what each means and which parameters it takes."""
        return _json({"panels": panels.listed()})

    @router.get(
        "/{name}",
        responses={200: reply("PanelAnswer", "its numbers"), **trouble(400, 401, 404, 503)},
        openapi_extra=extra,
    )
    async def get_panel(name: str, request: Request) -> Response:
        """Return a panel's columns and rows; its parameters stand in the query string (see GET /v1/panels).

        Times: ISO 8601, epoch milliseconds, or relative as `-1h`. Without any: the last hour.
        """
        panel = panels.named(name)
        if panel is None:
            raise HTTPException(404, "there is no panel of that name; GET /v1/panels lists them")
        try:
            values = panel_values(panel.parameters, request.query_params.multi_items(), now_ms())
        except OddParameter as odd:
            raise HTTPException(400, str(odd)) from None
        try:
            return _json(await panels.answer(panel, values))
        except StoreRefused as refusal:
            if refusal.code in TOO_MUCH_CODES:
                raise HTTPException(400, "this range is too much for one question; ask for a shorter one") from None
            raise

    return router


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json", headers={"Cache-Control": "no-store"})
