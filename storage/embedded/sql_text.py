"""Cutting SQL text into tokens as ClickHouse does: enough to find a clause, never to understand a statement.

Positions are those of the text given, so that a statement whose data follow can be cut at the right byte. A string or
comment without an end reaches to the end of the text, so that each byte is looked at once whatever somebody sends.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>'(?:[^'\\]|\\.|'')*(?:'|\Z)|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<quoted>`(?:[^`\\]|\\.|``)*(?:`|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One token that means something.

    Shape: `kind` is string, quoted, word, number or sign; `depth` counts the brackets around it, a bracket itself has
    the depth outside.
    """

    kind: str
    text: str
    start: int
    end: int
    depth: int

    def is_word(self, *words: str) -> bool:
        """Tell whether it is one of the key words, which are given in upper case."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def is_name(self) -> bool:
        """Whether it can name a table, a column or a setting."""
        return self.kind in {"word", "quoted"}


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """Yield the tokens from a position on, without blanks and comments."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        kind = match.lastgroup or "sign"
        kind = "string" if kind == "tag" else kind
        if kind == "blank":
            continue
        found = match[0]
        if found in {")", "]", "}"}:
            depth = max(depth - 1, 0)
        yield Token(kind, found, match.start(), match.end(), depth)
        if found in {"(", "[", "{"}:
            depth += 1


def quoted_name(name: str) -> str:
    """Return a name in back-quotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def quoted_text(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def bare_name(token: Token) -> str:
    """Return what a name token names."""
    if token.kind != "quoted":
        return token.text
    quote = token.text[0]
    return re.sub(r"\\(.)", r"\1", token.text[1:-1].replace(quote * 2, quote))


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as running text."""
    return frozenset(text.split())
