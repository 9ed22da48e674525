"""One request, from its headers to its answer.

The order: who asks, what for, may they; then rows are read through a pipe, data are spooled and inserted, anything else
is simply run.
"""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from storage.embedded.answers import Answer, AnswerCut, Send, summary_of
from storage.embedded.block_frames import FrameDecoder, FrameEncoder
from storage.embedded.bodies import Body, ClientGone, Receive
from storage.embedded.content_coding import decoders_for, encoder_for
from storage.embedded.door import Door
from storage.embedded.door_requests import Ask, read_ask, read_credentials
from storage.embedded.engine import Outcome, Session, Surroundings
from storage.embedded.engine_errors import (
    BAD_ARGUMENTS,
    QUERY_IS_TOO_LARGE,
    READONLY,
    UNKNOWN_EXCEPTION,
    UNKNOWN_FORMAT,
    EngineError,
)
from storage.embedded.multipart import ExternalTable, boundary_of, external_tables, read_parts
from storage.embedded.native_frames import NativeReframer
from storage.embedded.reading import PipedRows
from storage.embedded.row_answers import Manner, RowAnswer
from storage.embedded.statements import Command, Insert, Rows, Statement, read_insert, read_statement
from storage.embedded.users import User

log = logging.getLogger(__name__)

_HEAD_BYTES_MAX: Final = 16 << 20
_ANALYST_HEAD_BYTES_MAX: Final = 1 << 18
_ANALYST_PATIENCE_S: Final = 60.0
_ANALYST_HELD_BYTES_MAX: Final = 4 << 30
_PARTS_BYTES_MAX: Final = 256 << 20
_ANALYST_PARTS_BYTES_MAX: Final = 32 << 20
READING_METHODS: Final = frozenset({"GET", "HEAD"})
"""Methods that may only read."""

Scope = MutableMapping[str, Any]


class Exchange:
    """One request and its answer."""

    def __init__(self, door: Door, ask: Ask, receive: Receive, send: Send) -> None:
        self._door = door
        self._ask = ask
        self._receive = receive
        self._external: list[ExternalTable] = []
        self._answer = Answer(
            send,
            {
                "x-clickhouse-query-id": ask.query_id,
                "x-clickhouse-server-display-name": door.engine.host_name,
                "x-clickhouse-timezone": ask.settings.get("session_timezone") or door.engine.timezone,
            },
        )

    async def run(self, scope: Scope) -> None:
        """Answer, whatever happens."""
        try:
            try:
                await self._run(scope)
            except (EngineError, ClientGone):
                raise
            except Exception as error:
                log.exception("%s %s failed", self._ask.method, self._ask.path)
                raise EngineError(UNKNOWN_EXCEPTION, type(error).__name__) from error
        except ClientGone:
            return
        except EngineError as error:
            self._door.metrics.errors.inc()
            try:
                await self._answer.error(error, self._door.engine.version)
            except AnswerCut:
                return

    async def _run(self, scope: Scope) -> None:
        user = self._door.users.authenticate(*read_credentials(self._ask))
        decoders = decoders_for(self._ask.headers.get("content-encoding", ""))
        if self._ask.is_on("decompress"):
            decoders.append(FrameDecoder())
        body = Body(self._receive, decoders)
        await self._take_parts(scope, body, _ANALYST_PARTS_BYTES_MAX if user.is_analyst else _PARTS_BYTES_MAX)
        head, statement = await self._read(body, _ANALYST_HEAD_BYTES_MAX if user.is_analyst else _HEAD_BYTES_MAX)
        if statement is None:
            await self._answer.whole(b"Ok.\n", "")
            return
        if self._ask.is_on("compress"):
            method = self._ask.options.get("network_compression_method", "LZ4")
            self._answer.encode_with(FrameEncoder(method))
        await self._carry_out(user, statement, head, body)

    async def _take_parts(self, scope: Scope, body: Body, most_bytes: int) -> None:
        """Read a multipart body: its fields become options, its files external tables."""
        boundary = boundary_of(self._ask.headers.get("content-type", ""))
        if boundary is None:
            return
        fields, files = read_parts(await body.read_whole(most_bytes), boundary)
        self._ask = read_ask(scope, fields)
        self._external = external_tables(files, self._ask.settings)

    async def _read(self, body: Body, most_bytes: int) -> tuple[bytes, Statement | None]:
        """Read as much of the body as the statement needs; return that and the statement."""
        url_part = self._ask.query.encode()
        head = url_part
        insert = read_insert(head, body.is_over)
        while not isinstance(insert, Insert) and not body.is_over:
            chunk = await body.read()
            if chunk:
                head += b"\n" + chunk if head == url_part and url_part else chunk
            if insert is not None or head == chunk:
                insert = read_insert(head, body.is_over)
            if len(head) > most_bytes and not isinstance(insert, Insert):
                raise EngineError(QUERY_IS_TOO_LARGE, f"The statement is larger than {most_bytes} bytes")
        if isinstance(insert, Insert):
            return head, insert
        if not head.strip() and self._ask.method in READING_METHODS:
            return head, None
        try:
            return head, read_statement(head.decode())
        except UnicodeDecodeError as error:
            raise EngineError(BAD_ARGUMENTS, "The statement is not valid UTF-8") from error

    async def _carry_out(self, user: User, statement: Statement, head: bytes, body: Body) -> None:
        ask, door = self._ask, self._door
        if not isinstance(statement, Rows) and (user.is_analyst or ask.method in READING_METHODS):
            if isinstance(statement, Command):
                await door.lanes.own.start(lambda: door.engine.check_syntax(statement.text))
            raise EngineError(READONLY, f"{user.name}: Cannot execute query in readonly mode")
        if user.is_analyst and (narrowed := door.settings.narrowed(ask.settings)):
            self._answer.set("x-roomstate-narrowed", ", ".join(f"{name}={most}" for name, most in narrowed.items()))
        surroundings = Surroundings(
            ask.database,
            door.settings.beside(ask.settings) if user.is_analyst else ask.settings,
            ask.parameters,
            f"{next(door.numbers)} {ask.query_id}",
            is_readonly=user.is_analyst or ask.method in READING_METHODS,
        )
        with door.metrics.carrying_out(user.name, type(statement).__name__.lower()):
            match statement:
                case Insert():
                    await self._insert(statement, head, body, surroundings)
                case Rows():
                    await self._rows(statement, user, surroundings)
                case Command():
                    await self._command(statement, surroundings)

    async def _insert(self, statement: Insert, head: bytes, body: Body, surroundings: Surroundings) -> None:
        spool, inserter = self._door.new_spool(), self._door.inserter
        try:
            await spool.fill(head[statement.data_at :], body)
            self._door.metrics.spooled_bytes.inc(spool.size_bytes)
            outcome = await self._finished(lambda: inserter.insert(statement, spool, surroundings))
        finally:
            spool.remove()
        await self._answer.whole(b"", summary_of(outcome))

    async def _command(self, statement: Command, surroundings: Surroundings) -> None:
        door, chosen = self._door, self._format(self._ask.default_format)

        def run() -> Outcome:
            try:
                with door.engine.session(surroundings) as session:
                    return session.run(statement.text, chosen)
            finally:
                door.inserter.forget()

        outcome = await self._finished(run)
        self._encode(chosen)
        await self._answer.whole(outcome.body, summary_of(outcome, len(outcome.body)))

    async def _finished(self, call: Callable[[], Outcome]) -> Outcome:
        """Run a writing statement to its end, even if the client goes away meanwhile."""

        def run() -> Outcome:
            outcome = call()
            self._door.syncing.sync()
            self._door.failed_writes.end_if_any()
            return outcome

        return await asyncio.shield(self._door.lanes.writes.start(run))

    async def _rows(self, statement: Rows, user: User, surroundings: Surroundings) -> None:
        chosen = self._format(statement.format_name or self._ask.default_format)
        door = self._door

        def prepare(session: Session, sql: str) -> None:
            if user.is_analyst:
                door.rules.check(session, sql, surroundings.database, surroundings.parameters)
            for table in self._external:
                door.inserter.make_temporary(session, table, door.new_spool())

        self._encode(chosen)
        revision = self._ask.protocol_revision if chosen == "Native" else 0
        manner = Manner(
            door.spool_dir,
            waits_for_end=self._ask.is_on("wait_end_of_query"),
            patience_s=_ANALYST_PATIENCE_S if user.is_analyst else None,
            held_bytes_max=_ANALYST_HELD_BYTES_MAX if user.is_analyst else None,
            reframer=NativeReframer(revision) if revision else None,
        )
        piped = PipedRows(door.engine, door.lanes, surroundings)
        lane = door.lanes.analysts if user.is_analyst else door.lanes.reads
        await RowAnswer(self._answer, piped, manner).carry(
            self._receive, lambda: piped.start(lane, statement, chosen, prepare)
        )

    def _format(self, name: str) -> str:
        found = self._door.formats.get(name.lower())
        if found is None:
            raise EngineError(UNKNOWN_FORMAT, f"Unknown format {name}")
        return found[0]

    def _encode(self, chosen: str) -> None:
        self._answer.set("x-clickhouse-format", chosen)
        self._answer.set("content-type", self._door.formats[chosen.lower()][1])
        if self._ask.is_on("enable_http_compression"):
            coding = encoder_for(self._ask.headers.get("accept-encoding", ""))
            if coding is not None:
                self._answer.encode_with(coding[1], coding[0])
