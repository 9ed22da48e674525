"""The commands that make traffic."""

import typer


def add_traffic_commands(app: typer.Typer) -> None:
    """Add the commands."""
