"""How values are shown: units by the end of a column's name, colours of states and verdicts, plain words."""

import re
from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from dashboards.grafana.palette import BAD, GOOD, STATES, VERDICTS

UNITS: Final = {
    r"/_ms$/": "ms",
    r"/(^|_)percent($|_)/": "percent",
    r"/^bytes_|_bytes$/": "bytes",
    r"/(^|_)(at|time|since)$/": "time:YYYY-MM-DD HH:mm:ss.SSS",
}
"""Of a table's columns, by what matches their name; others have none, so that a room called 007 stays 007."""

_WIDTHS: Final = {r"/(^|_)(at|time|since)$/": 190, r"/^(room_kind|moved|fact|kind|rule_version)$/": 95}

Steps = tuple[tuple[float, str], ...]
"""Colours from a value on; below the first it is good."""

_TEXT: Final = re.compile(r"_(ms|percent)$|^in_")


def words(column: str) -> str:
    """Return a column's name as a person says it; the unit stands beside the value."""
    return _TEXT.sub("", column).replace("_", " ")


def thresholds(steps: Steps, below: str = GOOD) -> ThresholdsConfig:
    """Return thresholds that begin with a colour and change it at each step."""
    found = [Threshold(None, below), *(Threshold(value, colour) for value, colour in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def coloured(texts: Mapping[str, str]) -> ValueMap:
    """Return a mapping that gives texts their colour and leaves them as they are."""
    return ValueMap(
        {text: ValueMappingResult(None, colour, None, at) for at, (text, colour) in enumerate(texts.items())}
    )


def yes_or_no(yes: tuple[str, str], no: tuple[str, str]) -> ValueMap:
    """Return a mapping of true and false to a text and its colour."""
    return ValueMap({"true": ValueMappingResult(*yes, None, 0), "false": ValueMappingResult(*no, None, 1)})


BALANCED: Final = yes_or_no(("Balanced", GOOD), ("NOT BALANCED", BAD))


def fixed(colour: str) -> DynamicConfigValue:
    """Return one colour, whatever the value."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def named(text: str) -> DynamicConfigValue:
    """Return another name for a column."""
    return DynamicConfigValue("displayName", text)


def unit(name: str) -> DynamicConfigValue:
    """Return the unit of a column."""
    return DynamicConfigValue("unit", name)


def text_colours(column: str) -> list[DynamicConfigValue]:
    """Return how a table's column of states, verdicts or yes and no is coloured."""
    mapping = BALANCED if column == "balanced" else coloured(VERDICTS if column.endswith("verdict") else STATES)
    return [DynamicConfigValue("custom.cellOptions", {"type": "color-text"}), DynamicConfigValue("mappings", [mapping])]


def gauge(colour: str, most: float | None) -> list[DynamicConfigValue]:
    """Return a bar in a table's cell, of one colour; most: where it is full, or the column's highest value."""
    shown = [
        DynamicConfigValue("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
        DynamicConfigValue("min", 0),
        fixed(colour),
    ]
    return shown if most is None else [*shown, DynamicConfigValue("max", most)]


def widths() -> Mapping[str, int]:
    """Return how wide columns are whose values are all alike, by what matches their name (pixels)."""
    return _WIDTHS
