"""Answers of any size in any format, with bounded memory: the engine writes its output into a pipe, we read the pipe.

The engine's own streaming (`send_query`) formats each block for itself, so that only formats without header, footer and
separators come out right; `INTO OUTFILE` formats the whole answer, and a full pipe holds the engine back. A reader who
goes away must have the statement cancelled; until it has ended the pipe is read all the same, because a pipe that
nobody has open for reading would be a failed write (`failed_writes`).
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from storage.embedded.engine import Engine, Outcome, Session, Surroundings
from storage.embedded.engine_errors import QUERY_WAS_CANCELLED, SYNTAX_ERROR, EngineError
from storage.embedded.lanes import Lane, Lanes
from storage.embedded.statements import Rows

_PIPE_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 18
_CANCEL_AGAIN_S: Final = 0.2

Prepare = Callable[[Session, str], None]
"""What is done with the session before a text runs in it; in the text given the output's path is CHECKED_PATH."""

CHECKED_PATH: Final = "/dev/fd/0"


class PipedRows:
    """A statement that runs while its answer is read.

    `chunks` yields the answer's bytes to their end; `outcome` is awaited after that. `abandon` cancels what still runs;
    it must be called in the end, whatever happened.
    """

    def __init__(self, engine: Engine, lanes: Lanes, surroundings: Surroundings) -> None:
        self._engine = engine
        self._lanes = lanes
        self._surroundings = surroundings
        self._readable = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        _widen(self._read_end)
        self._loop.add_reader(self._read_end, self._readable.set)
        self._running: asyncio.Future[Outcome] | None = None
        self._is_abandoned = False
        self._has_begun = False

    def start(self, lane: Lane, rows: Rows, default_format: str, prepare: Prepare | None = None) -> None:
        """Begin; `prepare` uses the session before the statement does.

        Raises: EngineError if the lane is full.
        """
        try:
            self._running = lane.start(lambda: self._run(rows, default_format, prepare))
        except BaseException:
            os.close(self._write_end)
            raise
        # The pipe ends when the statement has, not when the engine closes its file: no end is missed or seen too early.
        self._running.add_done_callback(lambda _: os.close(self._write_end))

    def _run(self, rows: Rows, default_format: str, prepare: Prepare | None) -> Outcome:
        """Run the statement, in a thread of the lane."""
        path = f"/dev/fd/{self._write_end}"
        if rows.has_output:
            try:
                with self._session(prepare, rows.into(CHECKED_PATH, default_format)) as session:
                    return session.run(rows.into(path, default_format))
            except EngineError as error:
                if error.code != SYNTAX_ERROR[0] or not any(told in error.detail for told in (path, CHECKED_PATH)):
                    raise
        # It did not even parse with its output going elsewhere: as it stands it runs, or the error tells of it alone.
        with self._session(prepare, rows.text) as session:
            outcome = session.run(rows.text, default_format)
        with open(self._write_end, "wb", closefd=False) as pipe:
            pipe.write(outcome.body)
        return outcome

    @contextmanager
    def _session(self, prepare: Prepare | None, sql: str) -> Iterator[Session]:
        if self._is_abandoned:
            raise EngineError(QUERY_WAS_CANCELLED, "Query was cancelled before it began")
        self._has_begun = True
        with self._engine.session(self._surroundings) as session:
            if prepare is not None:
                prepare(session, sql)
            session.make_readonly()
            yield session

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the answer's bytes; ends when the statement ended, well or not."""
        while True:
            try:
                chunk = os.read(self._read_end, _READ_BYTES)
            except BlockingIOError:
                self._readable.clear()
                await self._readable.wait()
                continue
            if not chunk:
                return
            yield chunk

    async def outcome(self) -> Outcome:
        """Return the counts of the statement, whose answer was read to its end.

        Raises: EngineError if it failed.
        """
        if self._running is None:
            raise AssertionError("not started")
        return await asyncio.shield(self._running)

    async def abandon(self) -> None:
        """Cancel the statement if it still runs, and let go of the pipe; returns when it has ended."""
        self._is_abandoned = True
        emptying = asyncio.ensure_future(self._empty())
        running = self._running
        while running is not None and not running.done():
            if self._has_begun:
                with suppress(EngineError):  # tried again until the statement has ended
                    await self._lanes.own.start(lambda: self._engine.cancel(self._surroundings.tag))
            await asyncio.wait([running], timeout=_CANCEL_AGAIN_S)
        emptying.cancel()
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)

    async def _empty(self) -> None:
        async for _ in self.chunks():
            pass


def _widen(pipe_end: int) -> None:
    """Give the pipe room for a megabyte where the system lets us; more room means fewer turns."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe_end, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError:
            return
