"""Statements on the one engine of this process: a fresh connection for each, dropped after it.

A connection costs a tenth of a millisecond, and a new one holds no `SET`, no `USE`, no temporary table, and no partial
answer of a statement that failed before (the engine puts those before the next answer of the same connection). Calls
block: they run in the threads of a lane (`lanes`).
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import chdb

from storage.embedded.engine_errors import UNKNOWN_SETTING, EngineError, engine_error
from storage.embedded.sql_text import quoted_name, quoted_text

_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_TAG_SETTING: Final = "log_comment"


def loaded_version() -> str:
    """Return the version of the engine that this process has loaded."""
    return str(chdb.engine_version)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement gave: its answer's bytes and the counts of ClickHouse's summary."""

    body: bytes
    result_rows: int
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    elapsed_ns: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """In which database, with which settings and parameters a statement runs.

    Shape: `tag` marks it in `system.processes` (setting log_comment), so that it can be cancelled; `is_readonly` lets
    the engine refuse, once `Session.make_readonly` was called, whatever writes.
    """

    database: str = "default"
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    is_readonly: bool = False


class Session:
    """One connection while one request uses it."""

    def __init__(self, connection: Any, surroundings: Surroundings) -> None:
        self._connection = connection
        self._parameters = dict(surroundings.parameters)
        self._is_readonly = surroundings.is_readonly

    def make_readonly(self) -> None:
        """Let the engine refuse to write from now on, if the surroundings are for reading only."""
        if self._is_readonly:
            self.run("SET readonly = 2", with_parameters=False)

    def run(self, sql: str, output_format: str = "TabSeparated", *, with_parameters: bool = True) -> Outcome:
        """Run one statement to its end and return all of its answer.

        Raises: EngineError.
        """
        parameters = self._parameters if with_parameters else {}
        try:
            result = self._connection.query(sql, output_format, params=parameters)
        except RuntimeError as error:
            raise engine_error(str(error)) from None
        return Outcome(
            bytes(result.bytes()),
            result.rows_read(),
            result.storage_rows_read(),
            result.storage_bytes_read(),
            result.rows_written(),
            result.bytes_written(),
            int(result.elapsed() * 1e9),
        )


class Engine:
    """The engine on a data folder; it runs from construction to `close`, with its background merges.

    Raises: EngineError if the folder can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._lock = threading.Lock()
        self._keeper: Any = self._connect()
        with self.session(Surroundings()) as session:
            row = session.run("SELECT version(), timezone(), hostName()").body.decode().rstrip("\n").split("\t")
        self.version, self.timezone, self.host_name = row

    @contextmanager
    def session(self, surroundings: Surroundings) -> Iterator[Session]:
        """Lend a connection in the surroundings asked for.

        Raises: EngineError if the database or a setting does not exist.
        """
        connection = self._connect()
        try:
            session = Session(connection, surroundings)
            prelude = _prelude(surroundings)
            if prelude:
                session.run(prelude, with_parameters=False)
            yield session
        finally:
            connection.close()

    def check_syntax(self, sql: str) -> None:
        """Return if the text is a statement. Raises: EngineError if not."""
        with self.session(Surroundings()) as session:
            session.run(f"SELECT formatQuerySingleLine({quoted_text(sql)})")

    def cancel(self, tag: str) -> None:
        """Cancel the statement with the tag, if it runs; does not wait for its end."""
        with self.session(Surroundings()) as session:
            session.run(f"KILL QUERY WHERE Settings['{_TAG_SETTING}'] = {quoted_text(tag)} ASYNC")

    def cancel_readers(self) -> None:
        """Cancel every query that runs now; does not wait for their ends."""
        with self.session(Surroundings()) as session:
            session.run("KILL QUERY WHERE query_kind = 'Select' AND query_id != queryID() ASYNC")

    def close(self) -> None:
        """Stop the engine; statements must have ended."""
        with self._lock:
            keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()

    def _connect(self) -> Any:
        try:
            return chdb.connect(self._path)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise engine_error(str(error)) from None


def _prelude(surroundings: Surroundings) -> str:
    """Return the statements that bring a new connection into the surroundings."""
    settings = dict(surroundings.settings)
    if surroundings.tag:
        settings[_TAG_SETTING] = surroundings.tag
    for name in settings:
        if _SETTING_NAME.match(name) is None:
            raise EngineError(UNKNOWN_SETTING, f"Setting {name} is neither a builtin setting nor started with 'SQL_'")
    parts = []
    if surroundings.database != "default":
        parts.append(f"USE {quoted_name(surroundings.database)}")
    if settings:
        parts.append("SET " + ", ".join(f"{name} = {quoted_text(value)}" for name, value in settings.items()))
    return "; ".join(parts)
