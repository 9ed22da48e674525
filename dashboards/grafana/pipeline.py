"""*Pipeline*: whether everything that was accepted is there, how soon, and what was no input."""

from typing import Final

from dashboards.grafana import glances, series, strip, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import PIPELINE, at_this_moment
from dashboards.grafana.palette import BAD, PERCENTILES, STATES, WARN
from dashboards.grafana.panels import Shown

_HERE: Final = at_this_moment(PIPELINE, "These ten minutes")

INPUTS: Final = (
    "status",
    "open",
    "refresh",
    "close",
    "kill",
    "expire",
    "room_create",
    "room_update",
    "room_delete",
    "publish",
    "unpublish",
    "log_domains",
    "register",
)


def _at_a_glance() -> list[Shown]:
    return [
        strip.balanced(),
        strip.freshness(),
        glances.number(
            "lag",
            "longest_wait_ms",
            title="Longest wait",
            calculation="max",
            steps=((5000, WARN), (30_000, BAD)),
        ),
        strip.dead_letters(),
        glances.numbers("accounting", ("accepted", "stored", "dead_lettered"), title="Inputs", width=8),
    ]


def _how_soon() -> list[Shown]:
    return [
        series.over_time(
            "freshness_over_time",
            {f"{name}_ms": colour for name, colour in PERCENTILES.items() if name != "p75"},
            unit="ms",
            limits=((5000, BAD),),
            links=[_HERE],
        ),
        series.over_time(
            "lag",
            {
                "longest_wait_ms": STATES["waiting"],
                "longest_insert_ms": STATES["sending"],
                "inputs": "#8493a6",
            },
            unit="ms",
            on_the_right="inputs",
            links=[_HERE],
        ),
        glances.numbers("freshness", ("inputs", "p50_ms", "p95_ms", "p99_ms"), title="Freshness in all", width=24),
    ]


def _how_much() -> list[Shown]:
    return [
        series.over_time(
            "inputs_over_time",
            series.in_order(INPUTS) | {"dead_letters": STATES["other"]},
            drawn=series.BARS,
            size=(16, 9),
            links=[_HERE],
        ),
        series.over_time(
            "dead_letters_over_time",
            {"dead_letters": STATES["other"]},
            drawn=series.BARS,
            size=(8, 9),
            links=[_HERE],
        ),
    ]


def _accounting() -> list[Shown]:
    return [tables.rows("accounting_by_partition", colours=("balanced",))]


def _what_happened() -> list[Shown]:
    return [
        tables.rows("dead_letters"),
        tables.rows("restarts", size=(14, 8)),
        tables.rows("rule_versions", size=(10, 8)),
    ]


def board() -> Board:
    """Return the dashboard of the machinery itself."""
    return Board(
        uid=PIPELINE,
        title="Pipeline",
        meaning="Whether everything accepted is stored exactly once, how soon it can be queried, and what was refused.",
        at_a_glance=_at_a_glance(),
        rows={
            "How soon": _how_soon(),
            "How much": _how_much(),
            "Accounting": _accounting(),
            "What happened": _what_happened(),
        },
    )
