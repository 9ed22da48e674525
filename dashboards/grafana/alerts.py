"""Alert rules in the form of Grafana's file provisioning, from the same questions as the panels that they lead to.

Whom they tell is for whoever runs Grafana to say: no contact point is named here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.grafana.links import CALL_QUALITY, PIPELINE
from dashboards.grafana.panels import panel_id
from dashboards.grafana.queries import Asked, query_model
from dashboards.grafana.substitution import for_grafana
from storage.panels import read_panel

STORE_UID: Final = "roomstate"
"""Of the provisioned data source; a rule can't ask whichever was chosen."""

FIXED: Final = {"step_s": "60", "room_kind": "''", "room": "''", "user_agent": "''"}
"""Everything, in steps of a minute: a rule has no dashboard around it."""

_EXPRESSIONS: Final = "__expr__"
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Number:
    """One number out of a question, over a time that ended `until_s` ago."""

    question: str
    picked: str
    """SQL over the question's columns."""
    since_s: int
    until_s: int = 0

    @property
    def sql(self) -> str:
        """The question inside; only one column comes out, as rules want it."""
        asked = for_grafana(read_panel(self.question), FIXED).rstrip()
        return f"SELECT {self.picked} AS value\nFROM\n(\n{asked}\n)"


@dataclass(frozen=True, slots=True)
class Alert:
    """When somebody is told, and what."""

    uid: str
    title: str
    numbers: Mapping[str, Number]
    """By the letter that stands for it in the condition."""
    condition: str
    """Grafana's arithmetic over the numbers; not 0: something is wrong."""
    holds_for: str
    severity: str
    summary: str
    leads_to: tuple[str, str, str]
    """Dashboard, question and title of the panel that shows it."""


ALERTS: Final = (
    Alert(
        uid="roomstate-not-balanced",
        title="Accounting is not balanced",
        numbers={"A": Number("accounting", "toUInt8(NOT balanced)", 600)},
        condition="$A > 0",
        holds_for="5m",
        severity="critical",
        summary="Stored and dead-lettered inputs are not what the log's frames held; `roomstate verify` names which.",
        leads_to=(PIPELINE, "accounting", "Accounting"),
    ),
    Alert(
        uid="roomstate-freshness",
        title="Facts become queryable late",
        numbers={"A": Number("freshness", "ifNull(p95_ms, 0)", 600)},
        condition="$A > 5000",
        holds_for="10m",
        severity="warning",
        summary='One input in twenty took {{ humanize (index .Values "A").Value }} ms or longer to be queryable.',
        leads_to=(PIPELINE, "freshness", "Freshness, 95 %"),
    ),
    Alert(
        uid="roomstate-lag",
        title="Processors lag behind",
        numbers={"A": Number("lag", "ifNull(max(longest_wait_ms), 0)", 600)},
        condition="$A > 30000",
        holds_for="5m",
        severity="critical",
        summary='An input waited {{ humanize (index .Values "A").Value }} ms to be judged.',
        leads_to=(PIPELINE, "lag", "Lag"),
    ),
    Alert(
        uid="roomstate-dead-letters",
        title="Lines of the log are no inputs",
        numbers={"A": Number("dead_letters_over_time", "sum(dead_letters)", 900)},
        condition="$A > 0",
        holds_for="0s",
        severity="warning",
        summary='{{ humanize (index .Values "A").Value }} dead letters in 15 minutes; the table says why.',
        leads_to=(PIPELINE, "dead_letters", "Dead letters"),
    ),
    Alert(
        uid="roomstate-join-success",
        title="Join success is falling",
        numbers={
            "A": Number("join_success", "ifNull(percent, 100)", 1800),
            "B": Number("join_success", "ifNull(percent, 0)", _DAY_S + 1800, 1800),
            "J": Number("join_success", "joins", 1800),
        },
        condition="$J >= 20 && $B - $A > 10",
        holds_for="10m",
        severity="critical",
        summary=(
            'Of the joins of the last half hour {{ humanize (index .Values "A").Value }} % reached media; '
            'of the day before it were {{ humanize (index .Values "B").Value }} %.'
        ),
        leads_to=(CALL_QUALITY, "join_success_over_time", "Join success over time"),
    ),
)


def _query(letter: str, model: Builder[Dataquery], uid: str, since_s: int, until_s: int) -> alerting.Query:
    times = RelativeTimeRange(since_s, until_s)
    return alerting.Query(letter).datasource_uid(uid).relative_time_range(times).model(model)


def _rule(alert: Alert) -> alerting.Rule:
    board, question, title = alert.leads_to
    rule = alerting.Rule(alert.title).uid(alert.uid).condition("C").for_val(alert.holds_for).is_paused(False)
    # A store that is away is another alert's business; and nothing to count is nothing wrong.
    rule.exec_err_state("Error").no_data_state("OK")
    rule.labels({"severity": alert.severity, "service": "roomstate"})
    rule.annotations(
        {
            "summary": alert.summary,
            "__dashboardUid__": board,
            "__panelId__": str(panel_id(question, title)),
        }
    )
    for letter, number in alert.numbers.items():
        model = query_model(number.sql, ref_id=letter, store_uid=STORE_UID) | {
            "intervalMs": 60_000,
            "maxDataPoints": 1000,
        }
        rule.with_query(_query(letter, Asked(model), STORE_UID, number.since_s, number.until_s))
    condition = expr.TypeMath().expression(alert.condition).ref_id("C")
    condition.datasource(DataSourceRef(_EXPRESSIONS, _EXPRESSIONS))
    rule.with_query(_query("C", condition, _EXPRESSIONS, 0, 0))
    return rule


def _provisioned(rule: Any) -> dict[str, Any]:
    members = rule.to_json()
    known = ("uid", "title", "condition", "noDataState", "execErrState", "for", "labels", "annotations", "isPaused")
    data = [_plain(query) for query in rule.data]
    board = {"dashboardUid": members["annotations"]["__dashboardUid__"]}
    panel = {"panelId": int(members["annotations"]["__panelId__"])}
    return {name: _plain(members[name]) for name in known} | board | panel | {"data": data}


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        value = value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are read."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def provisioned_yaml(alerts: Sequence[Alert] = ALERTS) -> str:
    """Return the text of the provisioning file."""
    group = {
        "orgId": 1,
        "name": "roomstate",
        "folder": "Roomstate",
        "interval": "1m",
        "rules": [_provisioned(_rule(alert).build()) for alert in alerts],
    }
    head = (
        "# Written by `make dashboards` from dashboards/grafana/alerts.py. What to do about each: docs/dashboards.md.\n"
    )
    return head + yaml.dump({"apiVersion": 1, "groups": [group]}, Dumper=_Dumper, sort_keys=False, width=118)
