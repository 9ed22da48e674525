"""A moment as people write it: ISO 8601 or epoch milliseconds; what is neither, or lies ahead, is refused in words."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

AHEAD_MS_MAX: Final = 60_000
"""Clocks differ: so much later than ours a moment may be."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DIGITS: Final = re.compile(r"\d{1,20}", re.ASCII)
_SECONDS_MAX: Final = 100_000_000_000
"""Fewer milliseconds than this are in the year 1973: seconds were meant."""
_UNESCAPED_PLUS: Final = re.compile(r" (\d\d(:?\d\d)?)\Z", re.ASCII)


class OddMoment(ValueError):
    """The text is no moment that can be asked for; it says why."""


def moment_ms(text: str, now_ms: int) -> int:
    """Return the moment in epoch milliseconds; without a zone it is UTC.

    Raises: OddMoment.
    """
    found = _of_digits(text) if _DIGITS.fullmatch(text) else _of_iso(text)
    if found > now_ms + AHEAD_MS_MAX:
        raise OddMoment("at: lies in the future; nobody knows who will be there")
    return found


def _of_digits(text: str) -> int:
    found = int(text)
    if found < _SECONDS_MAX:
        raise OddMoment("at: epoch milliseconds are wanted, and this would be seconds; multiply by 1000")
    return found


def _of_iso(text: str) -> int:
    # A plus of the zone that was not escaped arrives as a space.
    unescaped = _UNESCAPED_PLUS.sub(r"+\1", text) if "T" in text else text
    try:
        moment = datetime.fromisoformat(unescaped)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        found = (aware - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise OddMoment("at: a moment as 2026-05-01T20:00:00.000Z, or epoch milliseconds, is wanted") from None
    if found < 0:
        raise OddMoment("at: lies before 1970")
    return found
