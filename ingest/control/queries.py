"""What a list may be asked for beyond the contract: filters, pages, and members that the contract does not have."""

from typing import Final
from urllib.parse import parse_qs

from ingest.control.refusals import ControlRefusal
from storage.session_list import FILTERS, Wanted

EVERYTHING: Final = (1 << 63) - 1
_YES_OR_NO: Final = {"true": True, "1": True, "false": False, "0": False}


def wanted_of(query: bytes) -> Wanted:
    """Return which sessions the query of a request asks for; what it does not say leaves the contract's own list.

    Raises: ControlRefusal (400) for a number that is none.
    """
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    filters: dict[str, str] = {name: asked[name] for name in FILTERS if name in asked}
    details = _YES_OR_NO.get(asked.get("details", "false").lower())
    if details is None:
        raise ControlRefusal(400)
    return Wanted(filters, _number(asked.get("after", "0")), _number(asked.get("limit", str(EVERYTHING))), details)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= EVERYTHING):
        raise ControlRefusal(400)
    return int(text)
