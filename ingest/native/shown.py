"""How names, times and lengths stand in sentences: short, exact, and harmless wherever they are shown.

A client's text is shortened, and what can't be seen or turns the direction of writing is spelled out, so that a
sentence reads as it was meant; the data beside it has everything as it was sent.
Units: aware UTC datetimes.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

CHARACTERS_MAX: Final = 80
NAMES_MAX: Final = 5
_JOINS_EMOJI: Final = "\u200d"


def shown(text: str) -> str:
    """Return a client's text for a sentence."""
    kept = "".join(_visible(character) for character in text[:CHARACTERS_MAX])
    return kept + "…" if len(text) > CHARACTERS_MAX else kept


def shown_names(names: Iterable[str]) -> str:
    """Return several names; of many, how many more there are."""
    every = list(names)
    text = ", ".join(shown(name) for name in every[:NAMES_MAX])
    return f"{text} and {len(every) - NAMES_MAX} more" if len(every) > NAMES_MAX else text


def shown_time(moment: datetime) -> str:
    """Return the moment to the millisecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def shown_length(length: timedelta) -> str:
    """Return how long it was, in the two largest units that it has."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d", f"{hours} h", f"{minutes} min", f"{rest} s"]
    first = next(place for place, count in enumerate((days, hours, minutes, rest)) if count)
    return " ".join(part for part in parts[first : first + 2] if not part.startswith("0 "))


def _visible(character: str) -> str:
    if character.isprintable() or character == _JOINS_EMOJI:
        return character
    return character.encode("unicode_escape").decode()
