"""A dashboard of rows of panels, with the variables that its questions have and the marks on its time axis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    VariableModel,
)

from dashboards.grafana import variables
from dashboards.grafana.panels import Shown, panel_id, title_of
from dashboards.grafana.queries import STORE, Asked, query_model
from dashboards.grafana.substitution import for_grafana
from storage.panels import read_panel

TAG: Final = "roomstate"
MARKS: Final = {"restarts": "blue", "rule_versions": "purple"}
"""Questions whose rows are marked on the time axis, and in which colour."""


@dataclass(frozen=True, slots=True)
class Board:
    """What a dashboard shows."""

    uid: str
    title: str
    meaning: str
    at_a_glance: Sequence[Shown]
    """The top row."""
    rows: Mapping[str, Sequence[Shown]]
    """By title."""
    looks_back: str = "now-6h"
    refresh: str = "30s"
    choices: Mapping[str, Callable[[], Builder[VariableModel]]] = field(default_factory=dict)
    """Variables that are chosen in another way than usual."""

    @property
    def panels(self) -> list[Shown]:
        """All of them, in order."""
        return [*self.at_a_glance, *(shown for row in self.rows.values() for shown in row)]


def _mark(name: str, colour: str) -> builders.AnnotationQuery:
    question = read_panel(name)
    model = query_model(for_grafana(question), ref_id=name)
    return (
        builders.AnnotationQuery()
        .name(title_of(question))
        .datasource(STORE)
        .enable(True)
        .icon_color(colour)
        .target(Asked(model))
    )


def _others() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Roomstate")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def built(board: Board) -> Dashboard:
    """Return the dashboard in the SDK's form."""
    asked = frozenset[str]().union(*(shown.variables for shown in board.panels))
    choices = {**variables.CHOICES, **board.choices}
    builder = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.meaning)
        .tags([TAG])
        .timezone("browser")
        .time(board.looks_back, "now")
        .refresh(board.refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .link(_others())
        .variables([variables.store(), *(choice() for name, choice in choices.items() if name in asked)])
    )
    if any(shown.is_over_time for shown in board.panels):
        builder.annotations([_mark(name, colour) for name, colour in MARKS.items()])
    for shown in board.at_a_glance:
        builder.with_panel(shown)
    for title, row in board.rows.items():
        builder.with_row(builders.Row(title).id(panel_id("", title)))
        for shown in row:
            builder.with_panel(shown)
    return builder.build()
