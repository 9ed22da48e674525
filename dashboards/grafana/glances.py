"""Panels that are read at a glance: one number, a few numbers, or a bar for each row."""

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, stat
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models import common as forms
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    ValueMap,
)

from dashboards.grafana import fields
from dashboards.grafana.palette import NEUTRAL
from dashboards.grafana.panels import Shown, finished, transformed


def _rows_to_columns(name_column: str, value_column: str) -> DataTransformerConfig:
    mappings = [
        {"fieldName": name_column, "handlerKey": "field.name"},
        {"fieldName": value_column, "handlerKey": "field.value"},
    ]
    return transformed("rowsToFields", mappings=mappings)


def _only(*columns: str) -> DataTransformerConfig:
    return transformed("filterFieldsByName", include={"names": list(columns)})


def _unit(column: str) -> str:
    return "ms" if column.endswith("_ms") else "percent" if "percent" in column else "short"


def _stat(calculation: str, column: str) -> stat.Panel:
    reduced = common.ReduceDataOptions().values(False).calcs([calculation]).fields(f"/^{column}$/" if column else "")
    return (
        stat.Panel()
        .reduce_options(reduced)
        .graph_mode(forms.BigValueGraphMode.NONE)
        .text_mode(forms.BigValueTextMode.VALUE if column else forms.BigValueTextMode.VALUE_AND_NAME)
        .justify_mode(forms.BigValueJustifyMode.CENTER)
    )


def number(
    name: str,
    column: str,
    *,
    title: str = "",
    steps: fields.Steps | None = None,
    below: str = "green",
    calculation: str = "lastNotNull",
    mapping: ValueMap | None = None,
    where: tuple[str, str] | None = None,
    nothing: str = "none",
    width: int = 4,
    links: Sequence[Mapping[str, Any]] = (),
) -> Shown:
    """Return one number on a ground that says how good it is, or on none where more is neither good nor bad.

    calculation: how several rows become one. where: (column, text) of the row to be shown, instead.
    nothing: what is said where there is no number.
    """
    picked = where[1] if where else column
    builder = _stat(calculation, picked).unit(_unit(column)).no_value(nothing)
    if where:
        builder.with_transformation(_rows_to_columns(where[0], column))
    if steps is None and mapping is None:
        builder.color_mode(forms.BigValueColorMode.NONE).thresholds(fields.thresholds((), NEUTRAL))
    else:
        builder.color_mode(forms.BigValueColorMode.BACKGROUND).thresholds(fields.thresholds(steps or (), below))
    if mapping:
        builder.mappings([mapping])
    overrides = {}
    if links:
        overrides[picked] = [DynamicConfigValue("links", list(links))]
    return finished(builder, name, title, (width, 4), overrides)


def numbers(
    name: str, columns: Sequence[str], *, title: str = "", colours: Mapping[str, str] | None = None, width: int = 12
) -> Shown:
    """Return a row's numbers side by side, each with its name and unit."""
    builder = _stat("lastNotNull", "").color_mode(forms.BigValueColorMode.VALUE).no_value("none")
    builder.thresholds(fields.thresholds((), NEUTRAL)).with_transformation(_only(*columns))
    overrides = {column: [fields.named(fields.words(column)), fields.unit(_unit(column))] for column in columns}
    for column, colour in (colours or {}).items():
        overrides[column].append(fields.fixed(colour))
    return finished(builder, name, title, (width, 4), overrides)


def bars(
    name: str,
    name_column: str,
    value_column: str,
    colours: Mapping[str, str],
    *,
    title: str = "",
    size: tuple[int, int] = (8, 9),
) -> Shown:
    """Return a bar for each of the question's rows, in the colour of its name."""
    builder = (
        bargauge.Panel()
        .reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))
        .orientation(forms.VizOrientation.HORIZONTAL)
        .display_mode(forms.BarGaugeDisplayMode.BASIC)
        .value_mode(forms.BarGaugeValueMode.TEXT)
        .unit(_unit(value_column))
        .min(0)
        .no_value("0")
        .color_scheme(FieldColor().mode(FieldColorModeId.FIXED).fixed_color(NEUTRAL))
        .with_transformation(_rows_to_columns(name_column, value_column))
    )
    return finished(builder, name, title, size, {text: [fields.fixed(colour)] for text, colour in colours.items()})
