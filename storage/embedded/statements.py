"""What a statement's text is: rows to be read, an insert whose data follow, or another command.

Only the outline is read here. Who may run it is decided from the engine's own parse (`analyst`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from storage.embedded.engine_errors import INTO_OUTFILE_NOT_ALLOWED, SYNTAX_ERROR, EngineError
from storage.embedded.sql_text import Token, bare_name, tokens

_ROWS_WORDS = ("SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS")


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement that answers rows; `format_name` is that of its FORMAT clause.

    Shape: `text` has no trailing `;`; the output's clauses go between `text[:output_at]` and the rest.
    """

    text: str
    output_at: int
    format_name: str | None

    @property
    def has_output(self) -> bool:
        """Whether clauses about output are its own; those of EXPLAIN AST go to the statement inside it."""
        explain, what = (*islice(tokens(self.text), 2), None, None)[:2]
        return not (explain and explain.is_word("EXPLAIN") and what and what.is_word("AST"))

    def into(self, path: str, default_format: str) -> str:
        """Return the statement with its output going to a path."""
        head, tail = self.text[: self.output_at], self.text[self.output_at :]
        chosen = tail or f"FORMAT {default_format}"
        return f"{head}\nINTO OUTFILE '{path}' APPEND {chosen}"


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert whose data follow its text, from byte `data_at` on.

    Shape: `target` is the table's name or `FUNCTION name(…)`; `columns` the text between the brackets, or None.
    """

    target: str
    columns: str | None
    settings: str
    format_name: str
    data_at: int


@dataclass(frozen=True, slots=True)
class Command:
    """Any other statement; `text` has no trailing `;`."""

    text: str


Statement = Rows | Insert | Command


def read_insert(head: bytes, is_whole: bool) -> Insert | bool | None:
    """Return the insert that the bytes begin with; None if they begin otherwise, False if more bytes are needed."""
    text = head.decode("latin-1")
    found = tokens(text)
    first = next(found, None)
    if first is None or (not is_whole and first.end == len(text)):
        return None if is_whole else False
    if not first.is_word("INSERT"):
        return None
    try:
        return _insert(head, text, found, is_whole)
    except StopIteration:
        return None if is_whole else False


def read_statement(text: str) -> Rows | Command:
    """Return what a whole text without data is.

    Raises: EngineError if it is empty, holds several statements, or would write a file.
    """
    found = list(tokens(text))
    while found and found[-1].text == ";":
        found.pop()
    if not found:
        raise EngineError(SYNTAX_ERROR, "Syntax error: failed at position 1 (end of query): Empty query")
    for token in found:
        if token.text == ";":
            raise EngineError(
                SYNTAX_ERROR,
                f"Syntax error (Multi-statements are not allowed): failed at position {token.start + 1} (end of query)",
            )
    for token, after in pairwise(found):
        if token.is_word("INTO") and after.is_word("OUTFILE"):
            raise EngineError(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed")
    cleaned = text[: found[-1].end]
    if not _answers_rows(found):
        return Command(cleaned)
    place = _format_clause(found)
    if place is None:
        return Rows(cleaned, len(cleaned), None)
    return Rows(cleaned, found[place].start, bare_name(found[place + 1]))


def _answers_rows(found: list[Token]) -> bool:
    first = next((token for token in found if token.text != "("), None)
    if first is None or not first.is_word(*_ROWS_WORDS):
        return False
    return not any(token.depth == 0 and token.is_word("INSERT") for token in found)


def _format_clause(found: list[Token]) -> int | None:
    """Return where the FORMAT clause stands: before the end, or before settings that end the statement."""
    for place in range(len(found) - 2, 0, -1):
        token = found[place]
        if token.depth == 0 and token.is_word("FORMAT") and found[place + 1].is_name:
            after = found[place + 2 : place + 3]
            return place if not after or after[0].is_word("SETTINGS") else None
    return None


def _insert(head: bytes, text: str, found: Iterator[Token], is_whole: bool) -> Insert | bool | None:
    """Read on after INSERT. Raises StopIteration where the text ends too early."""
    token = next(found)
    token = next(found) if token.is_word("INTO") else token
    token = next(found) if token.is_word("TABLE") else token
    start = token.start
    token, end, columns = _target(token, found)
    target, columns_text = head[start:end].decode(), None
    if columns is not None:
        columns_text = head[slice(*columns)].decode()
    settings_at = token.start
    while not (token.depth == 0 and token.is_word("FORMAT", "VALUES", "SELECT", "WITH", "FROM")) and token.text != "(":
        token = next(found)
    if not token.is_word("FORMAT", "VALUES"):
        return None
    settings = head[settings_at : token.start].decode()
    if token.is_word("VALUES"):
        name, data_at = "Values", token.end
    else:
        token = next(found)
        name, data_at = bare_name(token), _data_start(text, token.end)
    if data_at >= len(text) and not is_whole:
        return False
    return Insert(target, columns_text, settings, name, data_at)


def _target(token: Token, found: Iterator[Token]) -> tuple[Token, int, tuple[int, int] | None]:
    """Return the token after the target and its columns, the target's end, and the place of the columns' text."""
    is_function = token.is_word("FUNCTION")
    token = next(found) if is_function else token
    end = token.end
    token = next(found)
    while token.text == ".":
        end = next(found).end
        token = next(found)
    if is_function:
        end = _closing(token, found).end
        token = next(found)
    if token.text != "(":
        return token, end, None
    inner = next(found)
    if inner.is_word("SELECT", "WITH") or inner.text == "(":
        return token, end, None
    closing = inner if inner.text == ")" and inner.depth == token.depth else _closing(token, found)
    return next(found), end, (token.end, closing.start)


def _closing(opening: Token, found: Iterator[Token]) -> Token:
    """Return the bracket that closes `opening`."""
    return next(token for token in found if token.text == ")" and token.depth == opening.depth)


def _data_start(text: str, at: int) -> int:
    """Return where data begin after FORMAT's name: behind blanks and one line break, as ClickHouse has it."""
    while at < len(text) and text[at] in " \t\f":
        at += 1
    at += text[at : at + 1] == "\r"
    return at + (text[at : at + 1] == "\n")
