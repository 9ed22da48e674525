"""A question's SQL as Grafana's ClickHouse data source takes it: only the parameters are put in other words.

Source: the data source's macros (they are expanded by its backend, for dashboards and alert rules alike) and Grafana's
formats of variables (expanded in the browser).
"""

import re
from collections.abc import Mapping
from typing import Final

from storage.panels import Panel

MACROS: Final = {
    "from": "toDateTime64($__fromTime_ms, 3, 'UTC')",
    "to": "toDateTime64($__toTime_ms, 3, 'UTC')",
    "at": "toDateTime64($__toTime_ms, 3, 'UTC')",
    "step_s": "$__interval_s",
}
"""Parameters that the time range and the panel's width decide; a moment is the range's end.

The macros' own times are in the server's zone, the questions' in UTC.
"""

_PARAMETER: Final = re.compile(r"\{(\w+):[^{}]+\}")


def variable(name: str) -> str:
    """Return SQL of a variable's text, whatever is in it.

    Grafana's formats for SQL let a backslash through, which ends a string in ClickHouse. Encoded for an address there
    is nothing left that SQL knows.
    """
    return f"decodeURLComponent('${{{name}:percentencode}}')"


def quoted(text: str) -> str:
    """Return text that we chose ourselves as SQL.

    Raises: ValueError where quoting would have to be thought about.
    """
    if not re.fullmatch(r"[\w .,-]*", text):
        raise ValueError(f"{text!r} is not plain text")
    return f"'{text}'"


def for_grafana(panel: Panel, fixed: Mapping[str, str] | None = None) -> str:
    """Return the question with Grafana's macros and variables in the place of its parameters.

    fixed: SQL in the place of a parameter, by name, where there is no variable to ask.
    """
    given = fixed or {}

    def expression(name: str) -> str:
        if name in given:
            return given[name]
        if name == "limit":
            return f"toUInt32({variable(name)})"
        return MACROS.get(name) or variable(name)

    return _PARAMETER.sub(lambda found: expression(found[1]), panel.sql)


def variables_of(panel: Panel) -> frozenset[str]:
    """Return the names of the variables that a dashboard with this question must have."""
    return frozenset(panel.parameters) - MACROS.keys()
