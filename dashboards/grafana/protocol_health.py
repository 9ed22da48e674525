"""*Protocol health*: what clients say that they cannot have lived through, and which clients."""

from typing import Final

from dashboards.grafana import glances, series, strip, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import PROTOCOL, at_this_moment
from dashboards.grafana.palette import STATES, VERDICTS, WARN
from dashboards.grafana.panels import Shown

_SHARE: Final = (VERDICTS["violation"], 100.0)


def _at_a_glance() -> list[Shown]:
    return [
        strip.violating(),
        glances.number(
            "violations_by_reason",
            "violations",
            calculation="sum",
            title="Violations",
            steps=((1, WARN),),
            nothing="0",
        ),
        glances.number("verdicts", "percent", title="Along the diagram", where=("verdict", "diagram")),
        glances.number("verdicts", "percent", title="Implied moves", where=("verdict", "implied")),
        glances.number("verdicts", "percent", title="Exceptional", where=("verdict", "exceptional")),
        strip.longest_stuck(),
    ]


def _verdicts() -> list[Shown]:
    return [
        series.over_time(
            "verdicts_over_time",
            VERDICTS,
            drawn=series.BARS,
            size=(16, 9),
            links=[at_this_moment(PROTOCOL, "These ten minutes")],
        ),
        glances.bars("verdicts", "verdict", "updates", VERDICTS),
    ]


def _violations() -> list[Shown]:
    return [
        tables.rows(
            "violations",
            links=("room_id", "session_id", "user_agent"),
            around_row=True,
            colours=("prev_state", "state"),
            size=(24, 10),
        ),
        tables.rows("violations_by_reason", size=(8, 8)),
        tables.rows("violations_by_event", size=(16, 8)),
    ]


def _clients() -> list[Shown]:
    return [
        tables.rows("violations_by_user_agent", links=("user_agent",), gauges={"percent": _SHARE}, size=(12, 9)),
        tables.rows("offenders", links=("user_agent",), size=(12, 9)),
        tables.rows("user_agents", links=("user_agent",), size=(12, 9)),
        tables.rows(
            "transitions",
            colours=("from_state", "to_state", "verdict"),
            gauges={"updates": (STATES["sending"], None)},
            size=(12, 9),
        ),
    ]


def board() -> Board:
    """Return the dashboard of verdicts and violations."""
    return Board(
        uid=PROTOCOL,
        title="Protocol health",
        meaning="How updates relate to the diagram and to their own counters, which of them contradict it, whose.",
        at_a_glance=_at_a_glance(),
        rows={
            "Verdicts": _verdicts(),
            "Violations": _violations(),
            "Clients": _clients(),
        },
    )
