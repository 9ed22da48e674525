"""The project's own questions to the store: `dashboards/queries/*.sql`, one question a file.

The first line of a file, a comment, says what it tells and in which unit. The files are used as they are, here and by
whatever else shows numbers, so that a number means the same everywhere.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "dashboards" / "queries"
"""Beside the packages: in the repository and in an installed wheel alike."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One question."""

    name: str
    meaning: str
    """A sentence with the unit."""
    sql: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of ClickHouse parameters that the SQL wants."""
        return tuple(name for name in ("since", "until") if f"{{{name}:" in self.sql)


def read_panel(name: str) -> Panel:
    """Return the question of that name.

    Raises: OSError if there is none.
    """
    sql = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    return Panel(name, sql.partition("\n")[0].removeprefix("--").strip(), sql)
