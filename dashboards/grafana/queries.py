"""What a panel asks: a question's SQL with the members that the ClickHouse data source wants."""

from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

PLUGIN: Final = "grafana-clickhouse-datasource"
PLUGIN_VERSION: Final = "4.20.0"
"""As docker-compose.yml installs it."""

STORE: Final = DataSourceRef(PLUGIN, "${store}")
"""Whichever is chosen at the top of the dashboard."""

_TIME_SERIES, _TABLE = 0, 1


def query_model(sql: str, *, series: bool = False, ref_id: str = "A", store_uid: str = "${store}") -> dict[str, Any]:
    """Return a query of the data source, written by hand in its SQL editor."""
    return {
        "datasource": {"type": PLUGIN, "uid": store_uid},
        "editorType": "sql",
        "format": _TIME_SERIES if series else _TABLE,
        "meta": {},
        "pluginVersion": PLUGIN_VERSION,
        "queryType": "timeseries" if series else "table",
        "rawSql": sql,
        "refId": ref_id,
    }


class Asked(Builder[Dataquery]):
    """A query that is not one of the SDK's own data sources."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model

    def build(self) -> Dataquery:
        """Return it in the SDK's form."""
        return UnknownDataquery(self._model)
