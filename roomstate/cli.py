"""The `roomstate` command: finds the command, runs it, and turns what may go wrong into one line and an exit code.

0: done. 1: refused by what is there (a port in use, a store of another log, …). 2: wrong use or a wrong setting.
Commands import what they need when they run, so that `--help` and the start of a part stay quick.
"""

import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from roomstate.commands.breaking import add_breaking_commands
from roomstate.commands.controlling import add_controlling_commands
from roomstate.commands.looking import add_looking_commands
from roomstate.commands.parts import add_part_commands
from roomstate.commands.traffic import add_traffic_commands
from roomstate.refusals import refusal_of
from roomstate.running.parent_pipe import end_with_parent
from roomstate.settings_unknown import unknown_settings

_INTERRUPTED = 130


def make_app() -> typer.Typer:
    """Return the command line with all its commands."""
    app = typer.Typer(
        name="roomstate",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_before_commands)
    add_part_commands(app)
    add_traffic_commands(app)
    add_looking_commands(app)
    add_controlling_commands(app)
    add_breaking_commands(app)
    return app


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"roomstate {metadata.version('room-state-metrics')}")
        raise typer.Exit


def _before_commands(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Room-state metrics: status updates of video calls in over HTTP, trusted rows out of ClickHouse."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; what is refused is told in one line on stderr."""
    if not end_with_parent():  # a child has its parent's settings
        for line in unknown_settings():
            sys.stderr.write(f"roomstate: {line}\n")
    try:
        return int(make_app()(list(arguments), prog_name="roomstate", standalone_mode=False) or 0)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return 1
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        if refusal.line:
            sys.stderr.write(f"roomstate: {refusal.line}\n")
        return refusal.exit_code


def main() -> None:
    """Be the command."""
    sys.exit(run(sys.argv[1:]))
