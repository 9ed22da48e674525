"""A reply of server-sent events: goes on until there are no more, or the client hangs up or stops reading."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final, cast

from fastapi import Response
from starlette.types import Receive, Scope, Send

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class EventStream(Response):
    """Sends messages as they come."""

    def __init__(self, messages: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        """Shape: `leave` is called at the end, however it comes, even before the first message was asked for."""
        super().__init__()
        self._leave = leave
        self._messages = cast(AsyncGenerator[bytes], messages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it; how long a client may take to read is the connection's affair."""
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave()
            leaving.cancel()
            sending.cancel()
            await asyncio.wait({sending})
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        async with aclosing(self._messages) as messages:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async for data in messages:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
