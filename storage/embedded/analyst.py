"""What the reading user may run: judged by the engine's own parse of the statement.

`EXPLAIN AST` tells every kind of node, function and table; the engine's own formatting of the text tells what the tree
leaves out (names of settings, APPLY, the condition of SHOW). Everything is an allow-list: what a newer engine adds is
refused until somebody has looked at it. The text that runs is the client's, with its parameters already checked in the
tree.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from storage.embedded.analyst_names import AllowedNames
from storage.embedded.analyst_settings import AnalystSettings
from storage.embedded.engine import Session
from storage.embedded.engine_errors import ACCESS_DENIED, INTO_OUTFILE_NOT_ALLOWED, READONLY, EngineError
from storage.embedded.reading import CHECKED_PATH
from storage.embedded.sql_text import Token, bare_name, quoted_text, tokens, words

_NODE = re.compile(r"( *)(\S+)(.*)\Z", re.DOTALL)
_NAME_END = re.compile(r"(?: \(alias .*\))?(?: \(children \d+\))?\Z", re.DOTALL)
_PLAIN_NODES: Final = words(
    """
    SelectWithUnionQuery SelectQuery SelectIntersectExceptQuery ExpressionList Asterisk QualifiedAsterisk
    Literal Identifier TablesInSelectQuery TablesInSelectQueryElement TableExpression TableJoin ArrayJoin
    Subquery WithElement OrderByElement WindowDefinition WindowListElement InterpolateElement
    ColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsRegexpMatcher QualifiedColumnsListMatcher
    ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer
    ColumnsReplaceTransformer::Replacement ColumnsApplyTransformer SampleRatio Collation Function
    TableIdentifier Set Explain DescribeQuery GroupingSets
    """
)
_SHOW_NODES: Final = words(
    """
    ShowTables ShowColumns ShowFunctions ShowIndexes ShowEngineQuery ShowProcesslistQuery ShowCreateTableQuery
    ShowCreateViewQuery ShowCreateDatabaseQuery ExistsTableQuery ExistsViewQuery ExistsDatabaseQuery
    ExistsDictionaryQuery
    """
)
_KNOWN_MAX: Final = 512
_OWN_OUTFILE: Final = quoted_text(CHECKED_PATH)
"""Where the door itself sends a statement's output."""


class Node(NamedTuple):
    """One line of `EXPLAIN AST`: its depth, its kind, and the text behind it."""

    depth: int
    kind: str
    text: str

    @property
    def name(self) -> str:
        """What a Function, Identifier or TableIdentifier node names."""
        return _NAME_END.sub("", self.text).strip()


class AnalystRules:
    """Judges statements; remembers those that it allowed."""

    def __init__(self, names: AllowedNames, settings: AnalystSettings) -> None:
        self._names = names
        self._settings = settings
        self._lock = threading.Lock()
        self._allowed: dict[tuple[object, ...], None] = {}

    def check(self, session: Session, sql: str, database: str, parameters: Mapping[str, str]) -> None:
        """Return if the reading user may run the statement in the database.

        Raises: EngineError if not, or if it can't be parsed.
        """
        key = (sql, database, *sorted(parameters.items()))
        with self._lock:
            if key in self._allowed:
                return
        # The text first: `EXPLAIN` already applies the statement's settings.
        found = _formatted(session, sql)
        clauses = self._check_settings(found)
        nodes = list(_nodes(session.run(f"EXPLAIN AST {sql}", "TabSeparatedRaw").body.decode()))
        self._check_nodes(session, nodes, database)
        self._check_text(nodes, found)
        sets = sum(node.kind == "Set" and nodes[place - 1].kind != "Explain" for place, node in enumerate(nodes))
        if sets > clauses:
            raise EngineError(ACCESS_DENIED, "analyst: settings of this statement cannot be checked")
        with self._lock:
            if len(self._allowed) >= _KNOWN_MAX:
                self._allowed.clear()
            self._allowed[key] = None

    def _check_nodes(self, session: Session, nodes: list[Node], database: str) -> None:
        if not nodes:
            raise EngineError(READONLY, "Cannot execute query in readonly mode")
        is_show = nodes[0].kind in _SHOW_NODES
        for place, node in enumerate(nodes):
            if node.kind not in _PLAIN_NODES and not (place == 0 and is_show):
                raise EngineError(
                    READONLY, f"analyst: Cannot execute query in readonly mode: {node.kind} is not allowed"
                )
            if node.kind == "Function":
                self._names.check_function(session, node.name)
                parent = nodes[place - 1].kind if place else ""
                if parent == "TableExpression":
                    self._names.check_table_function(node.name, [n.kind for n in nodes[place + 1 : place + 3]])
                if node.name.lower() == "merge" or node.name.lower() in _IN_FUNCTIONS:
                    self._check_arguments(nodes, place, database)
            elif node.kind == "TableIdentifier":
                self._names.check_table(node.name, database)
            elif is_show and node.kind == "Identifier":
                self._names.check_plain(node.name)

    def _check_arguments(self, nodes: list[Node], place: int, database: str) -> None:
        """Check names that stand for tables among a function's arguments: of merge(), and right of IN."""
        arguments = [node for node in _below(nodes, place) if node.depth == nodes[place].depth + 2]
        if nodes[place].name.lower() == "merge":
            self._names.check_merge([f"{node.kind} {node.name}" for node in arguments], database)
        elif len(arguments) > 1 and arguments[1].kind == "Identifier":
            self._names.check_table(arguments[1].name, database)

    def _check_settings(self, found: list[Token]) -> int:
        """Check every setting that the text names; return how many SETTINGS clauses there are."""
        clauses = [place for place in range(len(found) - 1) if _is_settings_clause(found, place)]
        for place in clauses:
            for name, value in _settings_after(found, place):
                self._settings.inside(name, value)
        return len(clauses)

    def _check_text(self, nodes: list[Node], found: list[Token]) -> None:
        outfiles = [place for place, pair in enumerate(pairwise(found)) if _is_outfile(*pair)]
        if any([token.text for token in found[place + 2 : place + 3]] != [_OWN_OUTFILE] for place in outfiles):
            raise EngineError(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed")
        if nodes[0].kind in _SHOW_NODES and any(token.text == "(" or token.is_word("WHERE") for token in found):
            raise EngineError(ACCESS_DENIED, "analyst: SHOW with a condition is not allowed; query the system tables")
        applied = [found[place + 1] for place in range(len(found) - 1) if found[place].is_word("APPLY")]
        for token in applied:
            self._names.check_known_function(bare_name(token))
        if sum(node.kind == "ColumnsApplyTransformer" for node in nodes) > len(applied):
            raise EngineError(ACCESS_DENIED, "analyst: APPLY of this statement cannot be checked")


_IN_FUNCTIONS: Final = frozenset(
    f"{prefix}{middle}{suffix}"
    for prefix in ("", "global")
    for middle in ("in", "notin", "nullin", "notnullin")
    for suffix in ("", "ignoreset")
)


def _is_outfile(token: Token, after: Token) -> bool:
    return token.is_word("INTO") and after.is_word("OUTFILE")


def _formatted(session: Session, sql: str) -> list[Token]:
    """Return the tokens of the statement as the engine itself writes it. Raises: EngineError if it can't be parsed."""
    formatting = f"SELECT formatQuerySingleLine({quoted_text(sql)})"
    return list(tokens(session.run(formatting, "TabSeparatedRaw", with_parameters=False).body.decode()))


def _nodes(text: str) -> Iterator[Node]:
    for line in text.split("\n"):
        match = _NODE.match(line)
        if match is None:
            continue
        yield Node(len(match[1]), match[2], match[3])


def _below(nodes: list[Node], place: int) -> Iterator[Node]:
    for node in nodes[place + 1 :]:
        if node.depth <= nodes[place].depth:
            return
        yield node


def _is_settings_clause(found: list[Token], place: int) -> bool:
    token, after = found[place], found[place + 1]
    is_member = place > 0 and found[place - 1].text == "."
    return token.is_word("SETTINGS") and not is_member and after.is_name


def _settings_after(found: list[Token], place: int) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a SETTINGS clause; a name without a value switches its setting on."""
    at = place + 1
    while at < len(found) and found[at].is_name:
        name = bare_name(found[at])
        value = "1"
        at += 1
        if at < len(found) and found[at].text == "=":
            start = at = at + 1
            while at < len(found) and (found[at].depth > found[start].depth or not _ends_value(found[at], at > start)):
                at += 1
            value = "".join(token.text for token in found[start:at]).strip("'")
        yield name, value
        if at >= len(found) or found[at].text != ",":
            return
        at += 1


def _ends_value(token: Token, has_begun: bool) -> bool:
    return token.text in {",", ")", ";"} or (has_begun and token.kind == "word")
