"""The numbers that several dashboards begin with: green, or worth a look."""

from dashboards.grafana import fields, glances
from dashboards.grafana.palette import BAD, GOOD, WARN
from dashboards.grafana.panels import Shown


def balanced() -> Shown:
    """Return whether everything accepted is stored or dead-lettered."""
    return glances.number("accounting", "balanced", mapping=fields.BALANCED, nothing="nothing yet")


def freshness() -> Shown:
    """Return how long one input in twenty took to be queryable."""
    return glances.number("freshness", "p95_ms", title="Freshness, 95 %", steps=((1000, WARN), (5000, BAD)))


def join_success(width: int = 4) -> Shown:
    """Return the share of joins that reached media."""
    return glances.number(
        "join_success", "percent", below=BAD, steps=((90, WARN), (97, GOOD)), nothing="no joins", width=width
    )


def longest_stuck() -> Shown:
    """Return for how long the session that hangs longest has done so."""
    return glances.number(
        "stuck_sessions", "stuck_ms", title="Longest stuck", calculation="max", steps=((30_000, WARN), (120_000, BAD))
    )


def violating(width: int = 4) -> Shown:
    """Return the share of updates that contradict the protocol."""
    return glances.number(
        "verdicts",
        "percent",
        title="Updates that violate",
        where=("verdict", "violation"),
        steps=((1, WARN), (5, BAD)),
        width=width,
    )


def dead_letters(width: int = 4) -> Shown:
    """Return how many lines of the log were no inputs."""
    return glances.number(
        "dead_letters_over_time",
        "dead_letters",
        title="Dead letters",
        calculation="sum",
        steps=((1, WARN), (100, BAD)),
        nothing="0",
        width=width,
    )
