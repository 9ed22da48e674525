"""Inserts of data: read from the spool file by the engine itself, which then reports every error but a failed write.

The file is read with the structure of the table's own columns, defaults included, so that a format finds its columns by
name or by place exactly as in ClickHouse's `INSERT … FORMAT`.
"""

import json
import re
import threading
from dataclasses import replace

from storage.embedded.bodies import Spool
from storage.embedded.engine import Engine, Outcome, Session, Surroundings
from storage.embedded.engine_errors import EngineError
from storage.embedded.multipart import ExternalTable
from storage.embedded.sql_text import bare_name, quoted_name, quoted_text, tokens
from storage.embedded.statements import Insert

_SPOOL_FILE = re.compile(r":? ?\(in file/uri [^()]*\)")
_INSERTABLE = frozenset({"", "DEFAULT"})
_KNOWN_MAX = 1000
_ONE_SINK = {"max_insert_threads": "1"}

_Shape = tuple[str, str]
"""The columns to insert and the structure of the data, as the engine reads them."""


class Inserter:
    """Runs inserts; remembers the columns of tables until `forget`, which every other statement must call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, str | None], _Shape] = {}
        self._forgotten = 0

    def forget(self) -> None:
        """Forget the columns: a table may have changed."""
        with self._lock:
            self._known.clear()
            self._forgotten += 1

    def insert(self, statement: Insert, spool: Spool, surroundings: Surroundings) -> Outcome:
        """Insert the spooled data; on return they are stored.

        Raises: EngineError; then nothing is stored but whole blocks of the statement that came before the bad one.
        """
        spool.flush()
        # As in an insert of data there: one sink, whereas `INSERT … SELECT` may have several.
        surroundings = replace(surroundings, settings=_ONE_SINK | dict(surroundings.settings))
        with self._engine.session(surroundings) as session:
            columns, structure = self._shape(session, statement, surroundings.database)
            source = _source(spool, statement.format_name, structure)
            sql = f"INSERT INTO {statement.target} ({columns}) {statement.settings} SELECT {columns} FROM {source}"
            try:
                return session.run(sql)
            except EngineError as error:
                # Where the data lay for a moment tells the client nothing.
                raise EngineError((error.code, error.name), _SPOOL_FILE.sub("", error.detail)) from error

    def make_temporary(self, session: Session, table: ExternalTable, spool: Spool) -> None:
        """Make data that came with a query a temporary table of its session. Raises: EngineError."""
        try:
            spool.hold(table.data)
            spool.flush()
            source = _source(spool, table.format_name, table.structure)
            session.run(
                f"CREATE TEMPORARY TABLE {quoted_name(table.name)} AS SELECT * FROM {source}", with_parameters=False
            )
        finally:
            spool.remove()

    def _shape(self, session: Session, statement: Insert, database: str) -> _Shape:
        key = (database, statement.target, statement.columns)
        with self._lock:
            known, forgotten = self._known.get(key), self._forgotten
        if known is not None:
            return known
        described = session.run(f"DESCRIBE TABLE {statement.target.removeprefix('FUNCTION ')}", "JSONCompactEachRow")
        rows = [json.loads(line) for line in described.body.splitlines()]
        shape = _shape_of(rows, statement.columns)
        with self._lock:
            if self._forgotten == forgotten and len(self._known) < _KNOWN_MAX:
                self._known[key] = shape
        return shape


def _source(spool: Spool, format_name: str, structure: str) -> str:
    return f"file({', '.join(quoted_text(part) for part in (str(spool.path), format_name, structure))})"


def _shape_of(rows: list[list[str]], columns: str | None) -> _Shape:
    """Return the shape of an insert into a table of which `rows` are `DESCRIBE TABLE`'s."""
    described = {row[0]: row for row in rows}
    names = [row[0] for row in rows if row[2] in _INSERTABLE]
    if columns is not None:
        names = _named(columns, names)
    parts = []
    for name in names:
        _, kind, default_kind, default = described.get(name, [name, "String", "", ""])[:4]
        others = described.keys() - set(names)
        needs_others = any(token.is_name and bare_name(token) in others for token in tokens(default))
        has_default = default_kind == "DEFAULT" and not needs_others
        parts.append(f"{quoted_name(name)} {kind}" + (f" DEFAULT {default}" if has_default else ""))
    return ", ".join(quoted_name(name) for name in names), ", ".join(parts)


def _named(columns: str, names: list[str]) -> list[str]:
    """Return the columns of an insert's list, in which `*` and `* EXCEPT(…)` stand for all and all but some."""
    found = list(tokens(columns))
    if found and found[0].text == "*":
        left_out = {bare_name(token) for token in found[1:] if token.is_name}
        return [name for name in names if name not in left_out]
    listed = [""]
    for token in found:
        if token.text == ",":
            listed.append("")
        else:
            listed[-1] += bare_name(token)
    return [name for name in listed if name] or names
