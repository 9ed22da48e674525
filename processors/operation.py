"""What a processor tells operators over HTTP: `/healthz` and `/metrics`, on a port that is off unless it is set.

No readiness here: a worker without partitions is as ready as it can be, and ingest's `/readyz` tells whether anybody
processes. Bound to every address, without a token: it tells numbers and takes nothing.
"""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from processors.metrics import ProcessorMetrics
from storage.instruments import TEXT_TYPE


class PortInUse(Exception):
    """The port can't be listened on; the text says which."""


@contextlib.asynccontextmanager
async def told_on(port: int | None, metrics: ProcessorMetrics) -> AsyncIterator[None]:
    """Answer on the port (None: nowhere) as long as the context lasts.

    Raises: PortInUse.
    """
    if port is None:
        yield
        return
    runner = web.AppRunner(_app(metrics), access_log=None)
    await runner.setup()
    try:
        await _listen(runner, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, port=port).start()
    except OSError as error:
        raise PortInUse(
            f"port {port} can't be listened on ({error.strerror}); name another with --processor-port"
        ) from error


def _app(metrics: ProcessorMetrics) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def page(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), headers={"Content-Type": TEXT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", page)])
    return app
