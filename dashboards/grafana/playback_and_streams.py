"""*Playback and streams*: who watches, who was turned away, and what is published."""

from typing import Final

from dashboards.grafana import glances, series, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import PLAYBACK, at_this_moment
from dashboards.grafana.palette import KINDS, STATES, WARN
from dashboards.grafana.panels import Shown

_HERE: Final = at_this_moment(PLAYBACK, "These ten minutes")


def _at_a_glance() -> list[Shown]:
    return [
        glances.number("sessions_live", "in_accounts", title="Playback sessions live", nothing="0"),
        glances.number("rooms_live", "accounts", title="Accounts watching", nothing="0"),
        glances.number(
            "playback_limits_denied",
            "denied",
            title="Denied by a limit",
            calculation="sum",
            steps=((1, WARN),),
            nothing="0",
        ),
        glances.number(
            "zombies_reaped",
            "reaped",
            title="Zombies reaped",
            calculation="sum",
            steps=((1, WARN),),
            nothing="0",
        ),
        glances.number("rooms_live", "streams", title="Streams watched", nothing="0"),
        glances.number("sessions_live", "in_streams", title="Subscribers", nothing="0"),
    ]


def _over_time() -> list[Shown]:
    return [
        series.over_time(
            "concurrency",
            {"in_accounts": KINDS["account"], "in_streams": KINDS["stream"]},
            title="Watching at once",
            size=(8, 8),
            links=[_HERE],
        ),
        series.over_time(
            "playback_limits_denied",
            {"opened": STATES["sendrecv"], "denied": STATES["other"]},
            drawn=series.BARS,
            size=(8, 8),
            links=[_HERE],
        ),
        series.over_time(
            "zombies_reaped",
            {
                "closed": STATES["sendrecv"],
                "reaped": STATES["waiting"],
                "replaced": STATES["starting"],
                "killed": STATES["other"],
            },
            title="How playback sessions ended",
            drawn=series.BARS,
            size=(8, 8),
            links=[_HERE],
        ),
    ]


def _playback() -> list[Shown]:
    return [tables.rows("playback_live", gauges={"sessions": (KINDS["account"], None)})]


def _streams() -> list[Shown]:
    return [
        tables.rows(
            "streams_live",
            links=("room_id",),
            kind="stream",
            gauges={"subscribers": (KINDS["stream"], None)},
            size=(14, 9),
        ),
        tables.rows("subscribers", links=("room_id",), kind="stream", size=(10, 9)),
    ]


def board() -> Board:
    """Return the dashboard of accounts and streams."""
    return Board(
        uid=PLAYBACK,
        title="Playback and streams",
        meaning="Playback sessions and their limits, streams and who watches them.",
        at_a_glance=_at_a_glance(),
        rows={
            "Over time": _over_time(),
            "Playback": _playback(),
            "Streams": _streams(),
        },
    )
