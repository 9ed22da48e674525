"""Hints at misspelt members: what nobody knows is kept, but a sender who meant something else wants to be told.

A name is compared without regard to case and underscores. How many are looked at in one request is bounded, because
nobody needs to be told the same thing a thousand times.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from ingest.native.inputs import KNOWN_MEMBERS, OTHER_SPELLINGS

_LOOKED_AT_MAX: Final = 200
_NAME_CHARACTERS_MAX: Final = 40
_LIKENESS: Final = 0.8


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


_FOLDED: Final[Mapping[str, str]] = {_folded(name): name for name in sorted(KNOWN_MEMBERS)}


class Hints:
    """Collects the hints of one request."""

    def __init__(self) -> None:
        self._nearest: dict[str, str] = {}

    def of(self, value: Mapping[str, Any]) -> str:
        """Return what to tell the sender of this input; empty = nothing."""
        told = []
        for name in value:
            if name not in KNOWN_MEMBERS and name not in OTHER_SPELLINGS and (known := self._nearest_to(name)):
                told.append(f"{name} is kept in extra; was {known} meant?")
        return " ".join(told)

    def _nearest_to(self, name: str) -> str:
        if name not in self._nearest:
            if len(self._nearest) >= _LOOKED_AT_MAX or len(name) > _NAME_CHARACTERS_MAX:
                return ""
            found = get_close_matches(_folded(name), _FOLDED, n=1, cutoff=_LIKENESS)
            self._nearest[name] = _FOLDED[found[0]] if found else ""
        return self._nearest[name]
