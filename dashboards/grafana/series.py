"""Panels over time: lines, stacked areas or bars, one colour a column."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import common, timeseries
from grafana_foundation_sdk.models import common as forms
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards.grafana import fields
from dashboards.grafana.palette import SERIES
from dashboards.grafana.panels import Overrides, Shown, finished, transformed

SHORTEST_STEP: Final = "5s"
MOST_POINTS: Final = 300

LINES, AREAS, BARS = "lines", "areas", "bars"
"""Areas and bars are stacked: their sum means something."""


def in_order(columns: Iterable[str]) -> dict[str, str]:
    """Return a colour for each column, in the palette's order."""
    return dict(zip(columns, SERIES, strict=False))


def _builder(drawn: str, unit: str, links: Sequence[Mapping[str, Any]], *, few: bool) -> timeseries.Panel:
    legend = common.VizLegendOptions().show_legend(True).placement(forms.LegendPlacement.BOTTOM)
    calcs = ["lastNotNull", "max"]
    shown = (
        legend.display_mode(forms.LegendDisplayMode.LIST)
        if few
        else legend.display_mode(forms.LegendDisplayMode.TABLE).calcs(calcs)
    )
    builder = (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .interval(SHORTEST_STEP)
        .max_data_points(MOST_POINTS)
        .legend(shown)
        .tooltip(common.VizTooltipOptions().mode(forms.TooltipDisplayMode.MULTI).sort(forms.SortOrder.DESCENDING))
        .draw_style(forms.GraphDrawStyle.BARS if drawn == BARS else forms.GraphDrawStyle.LINE)
        .line_width(0 if drawn == BARS else 1)
        .fill_opacity({LINES: 0, AREAS: 70, BARS: 90}[drawn])
        .show_points(forms.VisibilityMode.AUTO)
        .span_nulls(False)
    )
    if drawn != LINES:
        builder.stacking(common.StackingConfig().mode(forms.StackingMode.NORMAL).group("A"))
    if links:
        builder.override_by_field_type("number", [DynamicConfigValue("links", list(links))])
    return builder


def _on_the_right(unit: str) -> list[DynamicConfigValue]:
    return [
        fields.unit(unit),
        DynamicConfigValue("custom.axisPlacement", "right"),
        DynamicConfigValue("custom.drawStyle", "bars"),
        DynamicConfigValue("custom.fillOpacity", 15),
        DynamicConfigValue("custom.lineWidth", 0),
    ]


def over_time(
    name: str,
    colours: Mapping[str, str],
    *,
    title: str = "",
    unit: str = "short",
    drawn: str = LINES,
    size: tuple[int, int] = (12, 8),
    on_the_right: str = "",
    links: Sequence[Mapping[str, Any]] = (),
    limits: fields.Steps = (),
) -> Shown:
    """Return a panel of the columns that have a colour; the question's other columns are left out.

    on_the_right: a column that is counted, drawn faintly behind the others. limits: lines across, by value and colour.
    """
    builder = _builder(drawn, unit, links, few=len(colours) <= 4)
    overrides: Overrides = {
        column: [fields.named(fields.words(column)), fields.fixed(colour)] for column, colour in colours.items()
    }
    if on_the_right:
        overrides[on_the_right] += _on_the_right("short")
    if limits:
        builder.thresholds(fields.thresholds(limits, "transparent"))
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(forms.GraphThresholdsStyleMode.DASHED))
    builder.with_transformation(transformed("filterFieldsByName", include={"names": ["time", *colours]}))
    return finished(builder, name, title, size, overrides, over_time=True)
