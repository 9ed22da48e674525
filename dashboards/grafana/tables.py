"""Panels of rows: tables whose ids lead to stories, and a story's states as coloured lanes."""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders import common, statetimeline, table
from grafana_foundation_sdk.models import common as forms
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.grafana import fields
from dashboards.grafana.links import links_of_column, room_of_kind
from dashboards.grafana.palette import STATES
from dashboards.grafana.panels import Overrides, Shown, finished, transformed

AROUND_AN_UPDATE_S: Final = 7200

_MOVES: Final = tuple(
    {"fieldName": column, "config": {"id": "equal", "options": {"value": value}}}
    for column, value in (("moved", True), ("fact", "session_closed"))
)


def _by_pattern() -> Overrides:
    found: Overrides = {pattern: [fields.unit(name)] for pattern, name in fields.UNITS.items()}
    for pattern, width in fields.widths().items():
        found.setdefault(pattern, []).append(DynamicConfigValue("custom.width", width))
    return found


def rows(
    name: str,
    *,
    title: str = "",
    links: Sequence[str] = (),
    around_row: bool = False,
    kind: str = "",
    colours: Sequence[str] = (),
    gauges: Mapping[str, tuple[str, float | None]] | None = None,
    hidden: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    size: tuple[int, int] = (24, 9),
) -> Shown:
    """Return a table.

    links: columns that lead on; around_row: to the time of the row instead of the time range that is looked at now;
    kind: of the rooms, where the question has no column of it. colours: columns of states, verdicts, yes and no.
    gauges: columns with a bar, its colour and where it is full. hidden: columns that are there but not shown.
    """
    overrides = _by_pattern()
    window_s = AROUND_AN_UPDATE_S if around_row else None

    def more(column: str, *properties: DynamicConfigValue) -> None:
        overrides.setdefault(column, []).extend(properties)

    for column, text in (names or {}).items():
        more(column, fields.named(text))
    for column in links:
        of_kind = kind and column == "room_id"
        more(column, room_of_kind(kind, window_s) if of_kind else links_of_column(column, window_s))
    for column in colours:
        more(column, *fields.text_colours(column))
    for column, (colour, most) in (gauges or {}).items():
        more(column, *fields.gauge(colour, most))
    for column in hidden:
        more(column, DynamicConfigValue("custom.hidden", True))
    builder = table.Panel().cell_height(forms.TableCellHeight.SM).filterable(True).show_header(True)
    return finished(builder, name, title, size, overrides)


def lanes(name: str, *, title: str, size: tuple[int, int] = (24, 10)) -> Shown:
    """Return a lane a session, coloured by the state that it is in, from a question that tells a story.

    What moved nobody, a violation for instance, is in the story's table and leaves the lane as it is.
    """
    builder = (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(forms.VisibilityMode.AUTO)
        .row_height(0.8)
        .mappings([fields.coloured({"": "transparent", **STATES})])
        .display_name("${__field.labels.session_id}")
        .legend(common.VizLegendOptions().show_legend(True).placement(forms.LegendPlacement.BOTTOM))
        .with_transformation(transformed("filterByValue", type="include", match="any", filters=list(_MOVES)))
        .with_transformation(transformed("filterFieldsByName", include={"names": ["at", "session_id", "state"]}))
        .with_transformation(
            transformed("partitionByValues", fields=["session_id"], keepFields=False, naming={"asLabels": True})
        )
    )
    return finished(builder, name, title, size, {})
