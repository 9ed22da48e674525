"""*Call quality*: whether calls come about, how fast, and why they fail."""

from typing import Final

from dashboards.grafana import glances, series, strip, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import CALL_QUALITY, PROTOCOL, at_this_moment
from dashboards.grafana.palette import BAD, GOOD, PERCENTILES, STATES, WARN
from dashboards.grafana.panels import Shown

REASONS: Final = (
    "sdk_exception",
    "network_disconnected",
    "force_disconnected",
    "lease_expired",
    "killed",
    "limit_denied",
    "never_connected",
    "unknown",
)
_LINKS: Final = (
    at_this_moment(PROTOCOL, "Protocol health in this hour", 3600),
    at_this_moment(CALL_QUALITY, "This hour", 3600),
)


def _times(milestone: str, title: str) -> Shown:
    colours = {f"{milestone}_{percentile}_ms": colour for percentile, colour in PERCENTILES.items()}
    return series.over_time("time_to_first_media_over_time", colours, title=title, unit="ms", size=(8, 8), links=_LINKS)


def _at_a_glance() -> list[Shown]:
    return [
        strip.join_success(),
        glances.number(
            "join_success",
            "percent_within_5_s",
            title="Join success within 5 s",
            below=BAD,
            steps=((80, WARN), (90, GOOD)),
            nothing="no joins",
        ),
        glances.number(
            "time_to_first_media",
            "p95_ms",
            title="Two-way after, 95 %",
            where=("milestone", "two-way"),
            steps=((5000, WARN), (10_000, BAD)),
        ),
        glances.number("one_way_media", "percent", steps=((2, WARN), (5, BAD))),
        glances.number("reconnects", "percent", steps=((5, WARN), (15, BAD))),
        glances.number("join_success", "joins", title="Joins", nothing="0"),
    ]


def _joining() -> list[Shown]:
    return [
        series.over_time(
            "join_success_over_time",
            {"percent": STATES["sendrecv"], "percent_within_5_s": STATES["sending"], "joins": "#8493a6"},
            unit="percent",
            on_the_right="joins",
            links=_LINKS,
        ),
        tables.rows("funnel", gauges={"percent": (STATES["sendrecv"], 100)}, size=(12, 8)),
    ]


def _how_long() -> list[Shown]:
    return [
        _times("send", "First send"),
        _times("recv", "First receive"),
        _times("two_way", "Two-way"),
        tables.rows(
            "time_to_first_media",
            title="Time to first media",
            names={f"{percentile}_ms": percentile for percentile in PERCENTILES},
            size=(12, 7),
        ),
        glances.numbers("talk_time", ("stays", "total_ms", "p50_ms", "p75_ms", "p95_ms", "p99_ms")),
    ]


def _what_goes_wrong() -> list[Shown]:
    return [
        series.over_time("failure_reasons_over_time", series.in_order(REASONS), drawn=series.BARS, links=_LINKS),
        tables.rows("failure_reasons", gauges={"percent": (STATES["other"], None)}, size=(12, 8)),
        glances.numbers(
            "one_way_media",
            title="One-way media in detail",
            columns=("stays", "one_way", "percent", "sending_only", "receiving_only"),
        ),
        glances.numbers(
            "reconnects", title="Reconnects in detail", columns=("joins", "reconnects", "percent", "p50_gap_ms")
        ),
    ]


def board() -> Board:
    """Return the dashboard of what callers live through."""
    return Board(
        uid=CALL_QUALITY,
        title="Call quality",
        meaning="Whether calls come about, how fast media flows both ways, and why it does not.",
        looks_back="now-24h",
        at_a_glance=_at_a_glance(),
        rows={
            "Joining": _joining(),
            "How long it takes": _how_long(),
            "What goes wrong": _what_goes_wrong(),
        },
    )
