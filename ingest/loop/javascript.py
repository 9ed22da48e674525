"""Values as the original server read them: JavaScript's `parseInt(value, 10)` and string lengths.

Source: contracts 2.5 and 2.6; ECMAScript, parseInt and ToString.
"""

import re
from typing import Any

_MAGNITUDE_MAX = 1 << 53
_LEADING_INTEGER = re.compile(
    "[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*([+-]?)([0-9]+)"
)
_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e21
"""Numbers between these are written without an exponent."""


def parse_int(value: Any) -> int | None:
    """Return what `parseInt(value, 10)` gives for a JSON value; None = not a number.

    Values beyond 2⁵³ come back as 2⁵³, with their sign.

    >>> [parse_int(value) for value in ("2", "2abc", 1.9, " 7", None, "", True, "abc", -1, [5, 6])]
    [2, 2, 1, 7, None, None, None, None, -1, 5]
    """
    while isinstance(value, list):
        # An array is written as its elements joined by commas; parseInt stops at the first comma.
        if not value:
            return None
        value = value[0]
    if isinstance(value, bool) or value is None or isinstance(value, dict):
        return None
    if isinstance(value, str):
        return _leading_integer(value)
    return _of_number(value)


def length(text: str) -> int:
    """Return the text's length in UTF-16 units, as JavaScript counts it."""
    return len(text) + sum(character > "\uffff" for character in text)


def _of_number(value: int | float) -> int | None:
    magnitude = abs(value)
    if magnitude and not _PLAIN_FROM <= magnitude < _PLAIN_BELOW:
        try:
            return _leading_integer(repr(float(value)))
        except OverflowError:
            return None
    return _bounded(int(value))


def _leading_integer(text: str) -> int | None:
    match = _LEADING_INTEGER.match(text)
    if match is None:
        return None
    sign, digits = match.groups()
    digits = digits.lstrip("0") or "0"
    magnitude = int(digits) if len(digits) <= len(str(_MAGNITUDE_MAX)) else _MAGNITUDE_MAX
    return _bounded(-magnitude if sign == "-" else magnitude)


def _bounded(value: int) -> int:
    return max(-_MAGNITUDE_MAX, min(value, _MAGNITUDE_MAX))
