"""Where a column ends in ClickHouse's Native format, by its type.

Nothing is decoded: a type gives a walker over the bytes. Types whose layout changes with the engine's version (Dynamic,
JSON, Variant, AggregateFunction) are refused.
"""

import re
import struct
from collections.abc import Callable
from typing import Final

from storage.embedded.engine_errors import NOT_IMPLEMENTED, EngineError

_WIDTHS: Final = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Date", "Enum16", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "Decimal32", "IPv4", "Time"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Decimal64", "Time64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "Decimal128", "UUID", "IPv6"), 16),
    **dict.fromkeys(("Int256", "UInt256", "Decimal256"), 32),
}
_MEANINGS: Final = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_DECIMAL_WIDTHS: Final = ((9, 4), (18, 8), (38, 16), (76, 32))
_INDEX_WIDTHS: Final = (1, 2, 4, 8)
_OUTLINE = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*\Z", re.DOTALL)
_FIELD_NAME = re.compile(r"\s*(?:\w+|`(?:[^`\\]|\\.|``)*`)\s+(?=\w)")

Skip = Callable[[bytes, int, int], int]
"""From bytes, position and number of rows to the position after them; IndexError or struct.error past the end."""


class Column:
    """A type's walkers: over what precedes all rows of a column in a block, and over its rows."""

    def __init__(self, rows: Skip, prefix_bytes: int = 0) -> None:
        self.rows = rows
        self.prefix_bytes = prefix_bytes

    def skip(self, data: bytes, at: int, rows: int) -> int:
        """Return the position after the column's data in a block."""
        return self.rows(data, at + self.prefix_bytes, rows) if rows else at


def column_of(type_text: str) -> Column:
    """Return the walkers of a type.

    Raises: EngineError if its layout is not known.
    """
    outline = _OUTLINE.match(type_text)
    name, inner = (outline[1], outline[2] or "") if outline else (type_text, "")
    if name in _MEANINGS:
        return column_of(_MEANINGS[name])
    width = _fixed_width(name, inner)
    if width is not None:
        return Column(lambda _data, at, rows: at + rows * width)
    if name == "String":
        return Column(_skip_strings)
    make = _COMPOUND.get(name)
    if make is None:
        text = f"Type {type_text} cannot be sent to this client in the Native format: cast it, for instance to String"
        raise EngineError(NOT_IMPLEMENTED, text)
    return make(_parts(inner))


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length and the position after it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _fixed_width(name: str, inner: str) -> int | None:
    if name == "FixedString":
        return int(inner)
    if name == "Decimal":
        precision = int(inner.split(",", maxsplit=1)[0])
        return next(width for most, width in _DECIMAL_WIDTHS if precision <= most)
    return 8 if name.startswith("Interval") else _WIDTHS.get(name)


def _parts(inner: str) -> list[str]:
    """Return the arguments of a type: split at commas outside brackets and quotes."""
    parts, depth, quote, start, at = [], 0, "", 0, 0
    while at < len(inner):
        sign = inner[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'`":
            quote = sign
        elif sign == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
        depth += (sign == "(") - (sign == ")") if not quote else 0
        at += 1
    return [*parts, inner[start:]]


def _skip_strings(data: bytes, at: int, rows: int) -> int:
    for _ in range(rows):
        length = data[at]
        if length < 0x80:
            at += length + 1
        else:
            length, at = read_number(data, at)
            at += length
    return at


def _nullable(parts: list[str]) -> Column:
    inner = column_of(parts[0])
    return Column(lambda data, at, rows: inner.rows(data, at + rows, rows), inner.prefix_bytes)


def _same(parts: list[str]) -> Column:
    return column_of(parts[-1])


def _array(parts: list[str]) -> Column:
    inner = column_of(parts[0])

    def skip(data: bytes, at: int, rows: int) -> int:
        if not rows:
            return at
        at += rows * 8
        (items,) = struct.unpack_from("<Q", data, at - 8)
        return inner.rows(data, at, items) if items else at

    return Column(skip, inner.prefix_bytes)


def _tuple(parts: list[str]) -> Column:
    inner = [column_of(_FIELD_NAME.sub("", part, count=1)) for part in parts]

    def skip(data: bytes, at: int, rows: int) -> int:
        for column in inner:
            at = column.rows(data, at, rows)
        return at

    return Column(skip, sum(column.prefix_bytes for column in inner))


def _map(parts: list[str]) -> Column:
    return _array([f"Tuple({', '.join(parts)})"])


def _low_cardinality(parts: list[str]) -> Column:
    inner_text = parts[0].strip()
    keys = column_of(
        inner_text.removeprefix("Nullable(").removesuffix(")") if "Nullable(" in inner_text else inner_text
    )

    def skip(data: bytes, at: int, rows: int) -> int:
        while rows > 0:
            kind, count = struct.unpack_from("<QQ", data, at)
            at = keys.rows(data, at + 16, count)
            (indexes,) = struct.unpack_from("<Q", data, at)
            at += 8 + indexes * _INDEX_WIDTHS[kind & 0xFF]
            rows -= indexes
        return at

    return Column(skip, 8)


_COMPOUND: Final[dict[str, Callable[[list[str]], Column]]] = {
    "Nullable": _nullable,
    "Array": _array,
    "Tuple": _tuple,
    "Map": _map,
    "Nested": _map,
    "LowCardinality": _low_cardinality,
    "SimpleAggregateFunction": _same,
}
