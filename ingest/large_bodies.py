"""How many large bodies are read at once: each may take many times its size while it is taken apart.

Who finds no room waits a little, its bytes held back by TCP; then it is told to come again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

LARGE_BODY_BYTES: Final = 64 * 1024
_AT_ONCE: Final = 2
_WAIT_S: Final = 5.0


class TooManyBodies(Exception):
    """Too many large bodies are being read."""


class LargeBodies:
    """Lets only so many in at once."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_ONCE)

    @contextlib.asynccontextmanager
    async def room_for(self, content_length: str, content_encoding: str) -> AsyncIterator[None]:
        """Have room, as long as the context lasts, for a body of which the headers say so much.

        Raises: TooManyBodies.
        """
        if not content_encoding and content_length.isdecimal() and int(content_length) <= LARGE_BODY_BYTES:
            yield
            return
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._room.acquire()
        except TimeoutError:
            raise TooManyBodies from None
        try:
            yield
        finally:
            self._room.release()
