"""The files of the live page, and the script that draws its charts out of the package that carries it.

They hold nothing that is secret; what they show does. Where pages need the token, `/` without it is answered 401 with
the page itself, which asks for the token in words: a challenge would make the browser ask in a window of its own.
Everything is revalidated by its ETag and sent packed to whoever takes it. The Content-Security-Policy lets the page
load nothing from elsewhere and run nothing but its own files: no inline script, no eval, no inline style.
"""

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, HTTPException, Request, Response

_FOLDER: Final = Path(__file__).resolve().parent.parent.parent / "dashboards" / "live"
_CHARTS: Final = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, as it is and packed."""

    media_type: str
    plain: bytes
    packed: bytes
    etag: str


class Assets:
    """Reads each file once."""

    def __init__(self) -> None:
        self._paths = {path.name: path for path in _FOLDER.iterdir() if path.suffix in _TYPES} | {
            "charts.lib.js": _CHARTS
        }
        self._read: dict[str, Asset] = {}

    def read(self, name: str) -> Asset | None:
        """Return the file, or None if there is none of that name."""
        path = self._paths.get(name)
        if path is None:
            return None
        if name not in self._read:
            plain = path.read_bytes()
            etag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
            self._read[name] = Asset(_TYPES[path.suffix], plain, gzip.compress(plain, 6, mtime=0), etag)
        return self._read[name]


def asset_routes(require_token: Callable[[Request], None]) -> APIRouter:
    """Return the routes of `/` and of what the page loads; the check refuses whom pages are not for."""
    router = APIRouter(include_in_schema=False)
    assets = Assets()

    @router.get("/")
    async def page(request: Request) -> Response:
        found = await asyncio.to_thread(assets.read, "index.html")
        try:
            require_token(request)
        except HTTPException as refusal:
            return _refused(found, refusal)
        return _reply(request, found)

    @router.get("/live/{name}")
    async def asset(request: Request, name: str) -> Response:
        return _reply(request, await asyncio.to_thread(assets.read, name))

    return router


def _refused(asset: Asset | None, refusal: HTTPException) -> Response:
    if asset is None:
        raise refusal
    headers = {**HEADERS, "Cache-Control": "no-store", "WWW-Authenticate": 'Bearer realm="roomstate"'}
    return Response(asset.plain, refusal.status_code, headers, asset.media_type)


def _reply(request: Request, asset: Asset | None) -> Response:
    if asset is None:
        raise HTTPException(404, "there is no such file")
    headers = {**HEADERS, "ETag": asset.etag}
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.media_type, headers=headers)
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
