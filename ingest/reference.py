"""The description of the whole HTTP interface: the OpenAPI document, the page that shows it, and what the page loads.

The page's script and style come from this process, out of a package that carries them: it works without a network, and
its Content-Security-Policy lets it load nothing from elsewhere.
"""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from ingest.control import described as control
from ingest.live import described as live
from ingest.loop import described as loop
from ingest.native import described as native
from ingest.playback import described as playback
from ingest.streams import described as streams

_ASSETS: Final = Path(str(files("fastapi_offline"))) / "static"
_ASSET_NAMES: Final = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})
_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:;"
    " script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'"
)


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: what FastAPI knows of the routes, and what only the contracts' modules know."""
    document = app.openapi()
    components = document.setdefault("components", {})
    contracts = (native, live, loop, control, playback, streams)
    for contract in contracts:
        components.setdefault("schemas", {}).update(contract.SCHEMAS)
    components["securitySchemes"] = {
        name: scheme for contract in contracts for name, scheme in contract.SECURITY_SCHEMES.items()
    }
    document["paths"].update(loop.PATHS, **playback.PATHS, **streams.PATHS)
    return document


def reference_routes(app: FastAPI, check_reader: Callable[[Request], None]) -> APIRouter:
    """Return the routes of /openapi.json, /docs and what lies below it."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(check_reader)])

    @router.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(described(app))

    @router.get("/docs")
    async def page() -> HTMLResponse:
        shown = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Roomstate",
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="/docs/favicon.png",
        )
        shown.headers["Content-Security-Policy"] = _POLICY
        return shown

    @router.get("/docs/{name}")
    async def asset(name: str) -> Response:
        if name not in _ASSET_NAMES:
            raise HTTPException(404, "there is no such file")
        return FileResponse(_ASSETS / name)

    return router
