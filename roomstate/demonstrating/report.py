"""What came of the demo: each question as a table, then the same by plain SQL over ClickHouse's own HTTP interface."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roomstate.refusals import CommandRefused
from storage.panels import read_panel
from storage.store import Store

QUESTIONS: Final = (
    "calls",
    "verdicts",
    "funnel",
    "time_to_first_media",
    "offenders",
    "reconnects",
    "playback_limits_denied",
    "zombies_reaped",
    "freshness",
    "accounting",
)
QUESTIONS_MIDWAY: Final = ("rooms_live", "playback_live", "streams_live")
"""What is asked while the evening is on, because nobody is there any more at its end."""
_TIMEOUT_S: Final = 30.0


class Answer(NamedTuple):
    """What the store said to a question."""

    meaning: str
    names: Sequence[str]
    rows: Sequence[Sequence[Any]]


async def asked(store: Store, questions: Iterable[str], parameters: Mapping[str, Any]) -> list[Answer]:
    """Ask with the store's client."""
    panels = [read_panel(name) for name in questions]
    return [Answer(panel.meaning, *await store.named_rows(panel.sql, panel.values(parameters))) for panel in panels]


def print_tables(console: Console, answers: Iterable[Answer]) -> None:
    """Print each answer as a table."""
    for answer in answers:
        console.print(Text(answer.meaning, style="bold"))
        console.print(_table(answer.names, answer.rows))


async def print_plain_sql(console: Console, url: str, parameters: Mapping[str, Any]) -> None:
    """Ask the same questions as anybody would: the SQL over HTTP, as the reading user, without any library.

    Raises: CommandRefused if an answer is not 200.
    """
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S) as http:
        for name in QUESTIONS:
            panel = read_panel(name)
            query = {f"param_{key}": str(value) for key, value in panel.values(parameters).items()}
            query |= {"user": "analyst", "database": "roomstate", "default_format": "PrettyCompactNoEscapes"}
            reply = await http.post("/", params=query, content=panel.sql.encode())
            if reply.status_code != httpx.codes.OK:
                raise CommandRefused(f"{name}.sql is answered {reply.status_code}: {reply.text[:300]}")
            console.print(Text(panel.sql.strip(), style="dim"), soft_wrap=True)
            console.print(Text(reply.text), soft_wrap=True)


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    table = Table(header_style="")
    for number, name in enumerate(names):
        is_text = any(isinstance(row[number], str) for row in rows)
        table.add_column(name.replace("_", " "), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_shown(value) for value in row))
    return table


def _shown(value: Any) -> Text:
    if isinstance(value, float):
        return Text(f"{value:,.1f}")
    if isinstance(value, int) and not isinstance(value, bool):
        return Text(f"{value:,}")
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M:%S}")
    return Text("" if value is None else str(value))
