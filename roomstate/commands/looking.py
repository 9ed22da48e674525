"""The commands that look: `verify`, `query`, `metrics`, and `accept-gap` where something never will be stored."""

import asyncio
import sys
from typing import Annotated

import typer

from roomstate.settings_options import LOG, STORE, with_settings
from storage.settings import Settings


@with_settings(*LOG, *STORE)
def verify(settings: Settings) -> int:
    """Read the log from its start and compare every input with the store; exit 0 only if they are equal."""
    from roomstate.verification.command import run_verify  # noqa: PLC0415

    return asyncio.run(run_verify(settings))


@with_settings(*STORE)
def query(
    settings: Settings,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One query; - reads it from standard input.")],
    output_format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="Any of ClickHouse's formats instead of a table.")
    ] = "",
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Rows of a table at most.")] = 1000,
) -> None:
    """Run SQL on the store and print a readable table."""
    from roomstate.querying import run_query  # noqa: PLC0415

    asyncio.run(run_query(settings, sys.stdin.read() if sql == "-" else sql, output_format, rows))


@with_settings(*LOG, *STORE)
def accept_gap(
    settings: Settings,
    yes: Annotated[
        bool, typer.Option("--yes", help="Accept the gaps as lost; without it they are only shown.")
    ] = False,
) -> int:
    """Declare offsets lost that neither store nor log has any more, so that their partition goes on."""
    from roomstate.gap_accepting import run_accept_gap  # noqa: PLC0415

    return asyncio.run(run_accept_gap(settings, yes))


def metrics() -> None:
    """Print what every Prometheus metric means, in Markdown."""
    from roomstate.metric_document import metric_document  # noqa: PLC0415

    typer.echo(metric_document(), nl=False)


def add_looking_commands(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (verify, query, accept_gap, metrics):
        app.command()(command)
