"""docker-compose.yml as Docker would read it: parsed, and its variables filled in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
OURS = ("migrate", "ingest", "processor")

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


class NotSet(Exception):
    """A variable that must have a value has none."""


def compose_text() -> str:
    """Return the file as it is."""
    return COMPOSE_FILE.read_text()


def required_variables() -> set[str]:
    """Return the names without which nothing starts."""
    return {found["name"] for found in _VARIABLE.finditer(compose_text()) if found["kind"] == "?"}


def unguarded_variables() -> set[str]:
    """Return the names that would silently be empty."""
    return {found["name"] for found in _VARIABLE.finditer(compose_text()) if found["kind"] is None}


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the services with the variables filled in.

    Raises: NotSet, as Docker would refuse to start.
    """

    def fill(found: re.Match[str]) -> str:
        value = variables.get(found["name"], "")
        if value:
            return value
        if found["kind"] == "?":
            raise NotSet(found["name"])
        return found["rest"] or ""

    loaded: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(fill, compose_text()))["services"]
    return loaded
