"""The project's own questions to the store: `dashboards/queries/*.sql`, one question a file.

The first line of a file, a comment, says what it tells and in which unit. The files are used as they are by whatever
shows numbers (Grafana, the live page, the demo, the docs), so that a number means the same everywhere. Source:
docs/metrics.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "dashboards" / "queries"
"""Beside the packages: in the repository and in an installed wheel alike."""

FILTERS: Final = ("room_kind", "room", "user_agent")
"""Parameters that narrow what is looked at; '' = everything."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_PARAMETER: Final = re.compile(r"\{(\w+):([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Panel:
    """One question."""

    name: str
    meaning: str
    """A sentence with the unit."""
    sql: str
    parameters: Mapping[str, str]
    """ClickHouse types of the parameters that the SQL wants, by name."""

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value for each parameter: the given one, or '' for a filter.

        Raises: KeyError with the name of a parameter that is missing.
        """
        filters = dict.fromkeys(FILTERS, "")
        return {name: given[name] if name in given else filters[name] for name in self.parameters}


def read_panel(name: str) -> Panel:
    """Return the question of that name.

    Raises: OSError if there is none, whatever the name is.
    """
    if not _NAME.fullmatch(name):
        raise FileNotFoundError(f"{name!r} is no panel's name")
    sql = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    return Panel(name, sql.partition("\n")[0].removeprefix("--").strip(), sql, dict(_PARAMETER.findall(sql)))


def panel_names() -> tuple[str, ...]:
    """Return the names of all questions, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.sql")))
