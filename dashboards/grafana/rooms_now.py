"""*Rooms now*: whether all is well, who is where, and what hangs."""

from typing import Final

from dashboards.grafana import glances, series, strip, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import CALL_QUALITY, PROTOCOL, ROOMS_NOW, at_this_moment
from dashboards.grafana.palette import KINDS, STATES
from dashboards.grafana.panels import Shown

_AT_THIS_MOMENT: Final = at_this_moment(ROOMS_NOW, "These ten minutes")


def _at_a_glance() -> list[Shown]:
    return [
        strip.balanced(),
        strip.freshness(),
        strip.join_success(),
        strip.longest_stuck(),
        glances.number("sessions_live", "sessions", title="Sessions live", nothing="0"),
        glances.number("rooms_live", "rooms", title="Rooms live", nothing="0"),
    ]


def _states() -> list[Shown]:
    return [
        glances.bars("states_now", "state", "sessions", STATES),
        series.over_time("states_over_time", STATES, drawn=series.AREAS, size=(16, 9), links=[_AT_THIS_MOMENT]),
    ]


def _how_many() -> list[Shown]:
    return [
        series.over_time(
            "concurrency",
            {
                "sessions": "#b0bac6",
                "in_calls": KINDS["call"],
                "in_accounts": KINDS["account"],
                "in_streams": KINDS["stream"],
            },
            links=[_AT_THIS_MOMENT],
        ),
        series.over_time(
            "joins_over_time",
            {"joins": STATES["sendrecv"], "refusals": STATES["other"]},
            drawn=series.BARS,
            links=[
                at_this_moment(CALL_QUALITY, "Call quality in these ten minutes"),
                at_this_moment(PROTOCOL, "Protocol health in these ten minutes"),
            ],
        ),
    ]


def _live_rooms() -> list[Shown]:
    return [
        tables.rows("rooms_table", links=("room_id",), gauges={"sessions": (STATES["sendrecv"], None)}),
        tables.rows("room_sessions", links=("room_id", "session_id", "user_agent"), colours=("state",)),
    ]


def _what_hangs() -> list[Shown]:
    return [
        tables.rows(
            "stuck_sessions",
            names={"stuck_ms": "stuck for"},
            links=("room_id", "session_id", "user_agent"),
            colours=("state",),
        ),
    ]


def _what_was() -> list[Shown]:
    return [
        glances.numbers(
            "calls",
            ("calls", "stays", "statuses", "left", "expired", "ended_otherwise", "live"),
            width=24,
        ),
        tables.rows("rooms", names={"two_way_ms": "two-way"}, links=("room_id",)),
    ]


def board() -> Board:
    """Return the dashboard that is left open on a screen."""
    return Board(
        uid=ROOMS_NOW,
        title="Rooms now",
        meaning="Who is in which room now, in which state, and whether the numbers can be trusted.",
        looks_back="now-1h",
        refresh="10s",
        at_a_glance=_at_a_glance(),
        rows={
            "States": _states(),
            "How many": _how_many(),
            "Live rooms": _live_rooms(),
            "What hangs": _what_hangs(),
            "What was": _what_was(),
        },
    )
