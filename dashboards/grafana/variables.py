"""What can be chosen at the top of a dashboard; '' is everything, as in the questions themselves."""

from collections.abc import Callable
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh

from dashboards.grafana.queries import PLUGIN, STORE, query_model
from dashboards.grafana.substitution import for_grafana
from storage.panels import read_panel

OFFERED_AT_MOST: Final = 500
"""Rooms or user agents in a list; others can be typed in."""

ALL: Final = VariableOption(True, "All", "")

KINDS: Final = {"": "All", "call": "Calls", "account": "Accounts", "stream": "Streams"}

_ALL_FIRST: Final = """SELECT value, text
FROM
(
    SELECT '' AS value, 'All' AS text, 0 AS place
    UNION ALL
    SELECT {column} AS value, {column} AS text, 1 AS place FROM
    (
{question}
    )
)
ORDER BY place, text"""


def _query_variable(name: str, label: str, sql: str, refresh: VariableRefresh) -> builders.QueryVariable:
    model: dict[str, Any] = query_model(sql) | {"refId": f"variable-{name}", "queryType": "sql"}
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(STORE)
        .query(model)
        .definition(sql)
        .current(ALL)
        .refresh(refresh)
        .allow_custom_value(True)
    )


def values_sql(question: str, column: str) -> str:
    """Return SQL of the values that a question's column has in the time range, after 'All'."""
    everything = dict.fromkeys(("room_kind", "room"), "''")
    asked = for_grafana(read_panel(question), everything | {"limit": str(OFFERED_AT_MOST)})
    return _ALL_FIRST.format(column=column, question=asked.rstrip())


def kinds_sql() -> str:
    """Return SQL of the room kinds."""
    pairs = ", ".join(f"('{value}', '{text}')" for value, text in KINDS.items())
    return f"SELECT kind.1 AS value, kind.2 AS text FROM (SELECT arrayJoin([{pairs}]) AS kind)"


def store() -> Builder[VariableModel]:
    """Return the choice of the data source."""
    return (
        builders.DatasourceVariable("store")
        .label("Store")
        .type(PLUGIN)
        .current(VariableOption(True, "Roomstate", "roomstate"))
        .allow_custom_value(False)
    )


def room_kind() -> Builder[VariableModel]:
    """Return the choice of the room kind."""
    return _query_variable("room_kind", "Rooms", kinds_sql(), VariableRefresh.ON_DASHBOARD_LOAD).allow_custom_value(
        False
    )


def room() -> Builder[VariableModel]:
    """Return the choice of a room, those with the latest activity offered."""
    return _query_variable("room", "Room", values_sql("rooms", "room_id"), VariableRefresh.ON_DASHBOARD_LOAD)


def user_agent() -> Builder[VariableModel]:
    """Return the choice of a user agent, the busiest offered."""
    sql = values_sql("user_agents", "user_agent")
    return _query_variable("user_agent", "User agent", sql, VariableRefresh.ON_DASHBOARD_LOAD)


def limit() -> Builder[VariableModel]:
    """Return the choice of how many rows tables have at most."""
    return (
        builders.CustomVariable("limit")
        .label("Rows")
        .values("50,200,1000")
        .options([VariableOption(text == "200", text, text) for text in ("50", "200", "1000")])
        .current(VariableOption(True, "200", "200"))
    )


def typed(name: str, label: str) -> Builder[VariableModel]:
    """Return a field for an id; links fill it in."""
    empty = VariableOption(True, "", "")
    return builders.TextBoxVariable(name).label(label).default_value("").current(empty)


CHOICES: Final[dict[str, Callable[[], Builder[VariableModel]]]] = {
    "room_kind": room_kind,
    "room": room,
    "user_agent": user_agent,
    "session": lambda: typed("session", "Session"),
    "limit": limit,
}
"""By name, in the order in which they stand."""
