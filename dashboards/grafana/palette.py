"""One colour for each state and verdict, the same as on the live page: its style sheet has them, and only it."""

import re
from pathlib import Path
from typing import Final

_STYLE: Final = Path(__file__).resolve().parent.parent / "live" / "theme.css"
_DARK: Final = re.compile(r':root\[data-theme="dark"\] \{(.*?)\}', re.DOTALL)
_COLOUR: Final = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")

GOOD: Final = "green"
WARN: Final = "orange"
BAD: Final = "red"
NEUTRAL: Final = "text"
"""Grafana's own names, which differ between its two themes."""


def read_colours() -> dict[str, str]:
    """Return the live page's colours in the dark by name; they can be read on light ground too.

    Raises: LookupError if the style sheet has none.
    """
    block = _DARK.search(_STYLE.read_text(encoding="utf-8"))
    if block is None:
        raise LookupError(f"{_STYLE.name} has no dark theme")
    return dict(_COLOUR.findall(block[1]))


_COLOURS: Final = read_colours()

STATES: Final = {
    **{
        state: _COLOURS[state]
        for state in ("init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup")
    },
    "other": _COLOURS["violation"],
}

VERDICTS: Final = {
    "diagram": _COLOURS["diagram"],
    "steady": "#b0bac6",
    "implied": _COLOURS["implied"],
    "notice": "#6f7b88",
    "teardown": _COLOURS["cleanup"],
    "restart": _COLOURS["restart"],
    "exceptional": _COLOURS["exceptional"],
    "violation": _COLOURS["violation"],
    "duplicate": "#48545f",
    "late": "#3a4450",
    "after_close": "#2e3741",
}

KINDS: Final = {"call": _COLOURS["sendrecv"], "account": _COLOURS["starting"], "stream": _COLOURS["sending"]}
"""Of rooms."""

PERCENTILES: Final = {"p50": "#7fb5f5", "p75": "#4f92e8", "p95": "#e09a3a", "p99": "#ff6a5f"}

SERIES: Final = (
    "#5a9df0",
    "#4fbf6d",
    "#e09a3a",
    "#a08af0",
    "#3bb5b5",
    "#ff8177",
    "#d9a63c",
    "#c2957a",
    "#8493a6",
    "#b08cf5",
    "#46b9be",
    "#6f7b88",
    "#d06fa8",
    "#93b44a",
)
"""For everything else, in this order."""
