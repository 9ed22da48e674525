"""The door: one ASGI application that takes a request from its headers to its answer.

The order: who asks, what for, may they; then rows are read through a pipe, data are spooled and inserted, anything else
is simply run.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from storage.embedded.answers import Answer, AnswerCut, Send, summary_of
from storage.embedded.bodies import Body, ClientGone, Receive, Spool
from storage.embedded.content_coding import decoder_for, encoder_for
from storage.embedded.door_requests import Ask, read_ask, read_credentials
from storage.embedded.engine import Engine, Outcome, Surroundings
from storage.embedded.engine_errors import BAD_REQUEST_PARAMETER, READONLY, EngineError
from storage.embedded.inserting import Inserter
from storage.embedded.lanes import Lane, Lanes
from storage.embedded.reading import PipedRows
from storage.embedded.statements import Command, Insert, Rows, read_insert, read_statement
from storage.embedded.users import User, Users

log = logging.getLogger(__name__)

_HEAD_BYTES: Final = 1 << 20
_FIRST_BYTES: Final = 1 << 18
_PLAIN_PATHS: Final = frozenset({"/ping", "/replicas_status"})

Scope = MutableMapping[str, Any]


@dataclass(frozen=True)
class Door:
    """Everything that requests share."""

    engine: Engine
    lanes: Lanes
    inserter: Inserter
    users: Users
    spool_dir: Path
    formats: dict[str, str]
    numbers: "itertools.count[int]"


class DoorApp:
    """The ASGI application."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"] in _PLAIN_PATHS:
            await Answer(send, {"content-type": "text/html; charset=UTF-8"}).whole(b"Ok.\n", "")
            return
        await _Exchange(self._door, read_ask(scope), receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, door: Door, ask: Ask, receive: Receive, send: Send) -> None:
        self._door = door
        self._ask = ask
        self._receive = receive
        self._query_id = ask.query_id
        self._answer = Answer(
            send,
            {
                "x-clickhouse-query-id": self._query_id,
                "x-clickhouse-server-display-name": door.engine.host_name,
                "x-clickhouse-timezone": door.engine.timezone,
            },
        )

    async def run(self) -> None:
        try:
            await self._run()
        except ClientGone:
            return
        except EngineError as error:
            try:
                await self._answer.error(error, self._door.engine.version)
            except AnswerCut:
                return

    async def _run(self) -> None:
        user = self._door.users.authenticate(*read_credentials(self._ask))
        body = Body(self._receive, [d for d in [decoder_for(self._ask.headers.get("content-encoding", ""))] if d])
        head, statement = await self._statement(body)
        if statement is None:
            await self._answer.whole(b"Ok.\n", "")
            return
        surroundings = Surroundings(
            self._ask.database,
            self._ask.settings,
            self._ask.parameters,
            f"{next(self._door.numbers)} {self._query_id}",
        )
        if (user.is_analyst or self._ask.method == "GET") and not isinstance(statement, Rows):
            raise EngineError(READONLY, "Cannot execute query in readonly mode")
        if isinstance(statement, Insert):
            await self._insert(statement, head, body, surroundings)
        elif isinstance(statement, Rows):
            await self._rows(statement, user, surroundings)
        else:
            await self._command(statement, surroundings)

    async def _statement(self, body: Body) -> tuple[bytes, Insert | Rows | Command | None]:
        """Read as much of the body as the statement needs; return that and the statement."""
        head = self._ask.query.encode()
        if head:
            first = await body.read() if not body.is_over else b""
            head += b"\n" + first if first or not body.is_over else b""
        while True:
            insert = read_insert(head, body.is_over)
            if isinstance(insert, Insert):
                return head, insert
            if body.is_over:
                break
            if insert is False and len(head) > _HEAD_BYTES:
                raise EngineError(BAD_REQUEST_PARAMETER, "The statement is too long")
            head += await body.read()
        if not head.strip() and self._ask.method in {"GET", "HEAD"}:
            return head, None
        try:
            return head, read_statement(head.decode())
        except UnicodeDecodeError as error:
            raise EngineError(BAD_REQUEST_PARAMETER, "The statement is not valid UTF-8") from error

    async def _insert(self, statement: Insert, head: bytes, body: Body, surroundings: Surroundings) -> None:
        spool = Spool(self._door.spool_dir / f"{next(self._door.numbers)}")
        try:
            await spool.fill(head[statement.data_at :], body)
            inserter = self._door.inserter
            outcome = await self._finished(
                self._door.lanes.writes, lambda: inserter.insert(statement, spool, surroundings)
            )
        finally:
            spool.remove()
        await self._answer.whole(b"", summary_of(outcome))

    async def _command(self, statement: Command, surroundings: Surroundings) -> None:
        door, chosen = self._door, self._ask.default_format

        def run() -> Outcome:
            door.inserter.forget()
            try:
                with door.engine.session(surroundings) as session:
                    return session.run(statement.text, chosen)
            finally:
                door.inserter.forget()

        outcome = await self._finished(door.lanes.writes, run)
        self._encode(chosen)
        await self._answer.whole(outcome.body, summary_of(outcome, len(outcome.body)))

    async def _finished(self, lane: Lane, call: Callable[[], Outcome]) -> Outcome:
        return await asyncio.shield(lane.start(call))

    async def _rows(self, statement: Rows, user: User, surroundings: Surroundings) -> None:
        chosen = statement.format_name or self._ask.default_format
        lanes = self._door.lanes
        piped = PipedRows(self._door.engine, lanes, surroundings)
        gone = asyncio.ensure_future(self._client_gone())
        try:
            piped.start(lanes.analysts if user.is_analyst else lanes.reads, statement, self._ask.default_format)
            answering = asyncio.ensure_future(self._stream(piped, chosen))
            await asyncio.wait({gone, answering}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                answering.cancel()
                raise ClientGone
            await answering
        finally:
            gone.cancel()
            await piped.abandon()

    async def _client_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _stream(self, piped: PipedRows, chosen: str) -> None:
        held: list[bytes] = []
        held_bytes = 0
        self._encode(chosen)
        async for chunk in piped.chunks():
            held.append(chunk)
            held_bytes += len(chunk)
            if held_bytes >= _FIRST_BYTES and not self._ask.is_on("wait_end_of_query"):
                await self._answer.part(b"".join(held), summary_of(None))
                held.clear()
        outcome = await piped.outcome()
        if self._answer.has_begun:
            await self._answer.part(b"".join(held), "")
            await self._answer.end()
        else:
            await self._answer.whole(b"".join(held), summary_of(outcome, held_bytes))

    def _encode(self, chosen: str) -> None:
        self._answer.set("x-clickhouse-format", chosen)
        self._answer.set("content-type", self._door.formats.get(chosen.lower(), "text/plain; charset=UTF-8"))
        found = encoder_for(self._ask.headers.get("accept-encoding", "")) if self._wants_coding() else None
        if found is not None:
            self._answer.encode_with(found[1], found[0])

    def _wants_coding(self) -> bool:
        return self._ask.is_on("enable_http_compression")
