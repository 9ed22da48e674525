"""A panel of one question: title and description are the question's own first words, its number stays what it is."""

import re
import zlib
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue, Panel

from dashboards.grafana.queries import STORE, Asked, query_model
from dashboards.grafana.substitution import for_grafana, variables_of
from storage.panels import Panel as Question
from storage.panels import read_panel

Overrides = dict[str, list[DynamicConfigValue]]
"""Properties of columns by name, or by /pattern/."""

_ABOUT: Final = re.compile(r"^-- (?!Parameters:)(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown(Builder[Panel]):
    """A finished panel, and what a dashboard must have for it."""

    panel: Panel
    variables: frozenset[str]
    is_over_time: bool

    def build(self) -> Panel:
        """Return it in the SDK's form."""
        return self.panel


def title_of(question: Question) -> str:
    """Return what stands before the colon of the question's meaning."""
    return question.meaning.partition(":")[0]


def description_of(question: Question) -> str:
    """Return the question's first lines, up to its parameters, without what the title says already."""
    text = " ".join(_ABOUT.findall(question.sql))
    told = text.partition(": ")[2] or text
    return told[:1].upper() + told[1:]


def panel_id(question: str, title: str) -> int:
    """Return a panel's number, which stays the same whatever else is put on its dashboard."""
    return zlib.crc32(f"{question} {title}".encode()) % 1_000_000


def transformed(name: str, **options: Any) -> DataTransformerConfig:
    """Return one of Grafana's transformations of the rows."""
    return DataTransformerConfig(name, None, None, None, options)


def finished(
    builder: Any, name: str, title: str, size: tuple[int, int], overrides: Overrides, *, over_time: bool = False
) -> Shown:
    """Return a panel of a kind's builder that asks the question `name`.

    title: '' takes the question's own. size: width (of 24) and height.
    """
    question = read_panel(name)
    shown_title = title or title_of(question)
    builder.id(panel_id(name, shown_title)).title(shown_title).description(description_of(question))
    builder.datasource(STORE).with_target(Asked(query_model(for_grafana(question), series=over_time)))
    builder.span(size[0]).height(size[1])
    for column, properties in overrides.items():
        if column.startswith("/"):
            builder.override_by_regexp(column, properties)
        else:
            builder.override_by_name(column, properties)
    return Shown(builder.build(), variables_of(question), over_time)
