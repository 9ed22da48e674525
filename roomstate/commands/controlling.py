"""The commands of operators: `sessions` and `kill`."""

import sys
from typing import Annotated, Final, Literal

import typer

from roomstate.addresses import api_url
from roomstate.settings_options import with_settings
from storage.settings import Settings

_WIDE: Final = 10_000
"""Columns of a table that no terminal shows: a session stays on one line."""
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Where ingest answers. (default: host and port)")]


@with_settings("host", "port", "management_token")
def sessions(
    settings: Settings,
    *,
    kind: Annotated[
        Literal["call", "account", "stream"] | None, typer.Option("--kind", help="Only those in rooms of this kind.")
    ] = None,
    room: Annotated[str, typer.Option(help="Only those in this room.")] = "",
    user: Annotated[str, typer.Option(help="Only this user's.")] = "",
    app: Annotated[str, typer.Option(help="Only those of this app.")] = "",
    protocol: Annotated[str, typer.Option("--type", help="Only those of this type.")] = "",
    address: Annotated[str, typer.Option(help="Only those of clients at this address.")] = "",
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most so many. (default: all)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, times as unix seconds.")] = False,
    url: Url = "",
) -> None:
    """List the live sessions of every kind."""
    import msgspec  # noqa: PLC0415  # only what is needed
    from rich.console import Console  # noqa: PLC0415

    from roomstate.controlling import control_of, sessions_table  # noqa: PLC0415

    wanted = {"room_kind": kind or "", "stream": room, "user": user, "app": app, "type": protocol, "client_ip": address}
    filters = {name: value for name, value in wanted.items() if value}
    if limit is not None:
        filters["limit"] = str(limit)
    answer = control_of(settings, url or api_url(settings)).sessions(filters)
    if as_json:
        sys.stdout.write(answer.decode().strip() + "\n")
        return
    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width).print(sessions_table(msgspec.json.decode(answer)))


@with_settings("host", "port", "management_token")
def kill(
    settings: Settings,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", min=1, help="Ids as `sessions` shows them.")],
    url: Url = "",
) -> None:
    """End sessions; those that are not live any more are passed over."""
    from roomstate.controlling import control_of  # noqa: PLC0415

    killed = control_of(settings, url or api_url(settings)).kill(ids)
    typer.echo(f"{killed} of {len(set(ids))} sessions were live and are killed")


def add_controlling_commands(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (sessions, kill):
        app.command()(command)
