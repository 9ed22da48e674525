"""Rows to the client: held back while an error could still be told properly, then streamed as they come.

Small answers go out whole, with complete counts in their summary. A client that asks for `wait_end_of_query` gets every
answer so. A reader who hangs up, or who takes nothing for too long, has its query cancelled.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.embedded.answers import Answer, summary_of
from storage.embedded.bodies import ClientGone, Receive
from storage.embedded.content_coding import Encoder
from storage.embedded.engine_errors import SOCKET_TIMEOUT, EngineError, disk_error
from storage.embedded.holding import HeldBytes
from storage.embedded.reading import PipedRows

_FIRST_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is carried.

    Units: `patience_s` bounds how long the client may take nothing, `held_bytes_max` what is held back on disk; None =
    without bound.
    Shape: `reframer` changes the engine's bytes into what the client reads.
    """

    spool_dir: Path
    waits_for_end: bool
    patience_s: float | None
    held_bytes_max: int | None
    reframer: Encoder | None = None


class RowAnswer:
    """Carries the bytes of a running statement into an answer."""

    def __init__(self, answer: Answer, piped: PipedRows, manner: Manner) -> None:
        self._answer = answer
        self._piped = piped
        self._manner = manner

    async def carry(self, receive: Receive, start: Callable[[], None]) -> None:
        """Start the statement and answer to its end.

        Raises: ClientGone; EngineError if the statement failed.
        """
        try:
            start()
            await self._carry(receive)
        finally:
            await self._piped.abandon()

    async def _carry(self, receive: Receive) -> None:
        gone = asyncio.ensure_future(_client_gone(receive))
        answering = asyncio.ensure_future(self._answer_rows())
        try:
            await asyncio.wait({gone, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise ClientGone
            await answering
        finally:
            gone.cancel()
            answering.cancel()
            await asyncio.wait({gone, answering})

    async def _answer_rows(self) -> None:
        manner = self._manner
        held = HeldBytes(manner.spool_dir, manner.held_bytes_max)
        result_bytes = 0
        try:
            async for chunk in self._chunks():
                result_bytes += len(chunk)
                if self._answer.has_begun:
                    await self._patiently(self._answer.part(chunk, ""))
                    continue
                await held.add(chunk)
                if not manner.waits_for_end and held.size_bytes >= _FIRST_BYTES:
                    await self._send_held(held, summary_of(None))
            summary = summary_of(await self._piped.outcome(), result_bytes)
            if held.is_in_memory and not self._answer.has_begun:
                await self._answer.whole(held.take(), summary)
                return
            await self._send_held(held, summary)
            await self._answer.end()
        except OSError as error:
            raise disk_error("Cannot hold the answer back", error) from error
        finally:
            held.close()

    async def _chunks(self) -> AsyncIterator[bytes]:
        """Yield what the client is to get, piece by piece; what is left when the statement failed is left out."""
        reframer = self._manner.reframer
        if reframer is None:
            async for chunk in self._piped.chunks():
                yield chunk
            return
        async for chunk in self._piped.chunks():
            yield await asyncio.to_thread(reframer.encode, chunk)  # long work
        await self._piped.outcome()
        yield reframer.finish()

    async def _send_held(self, held: HeldBytes, summary: str) -> None:
        async for piece in held.all():
            await self._patiently(self._answer.part(piece, summary))

    async def _patiently(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._manner.patience_s):
                await sending
        except TimeoutError:
            raise EngineError(SOCKET_TIMEOUT, "The client took nothing of its answer for too long") from None


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
