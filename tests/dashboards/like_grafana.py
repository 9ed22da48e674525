"""What a Grafana does with a committed dashboard before the store hears of it, and how its data source then asks.

The browser puts variables in the place of `${name:format}`, the data source's backend puts times in the place of its
macros, and clickhouse-go sends what is left.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dashboards.grafana.catalogue import FOLDER
from tests.fixtures_store import EmbeddedStore
from tests.storage.embedded.wire import Reply, ask

BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}

_VARIABLE = re.compile(r"\$\{(\w+):percentencode\}")
_UNDONE = re.compile(r"\$\w+|\$\{|\[\[\w")
CLICKHOUSE_GO = {"client_protocol_version": 54460, "default_format": "Native", "max_execution_time": 65}


@dataclass(frozen=True)
class Looking:
    """What somebody looks at: a time range, a width, and what is chosen at the top."""

    from_ms: int
    to_ms: int
    interval_s: int
    chosen: Mapping[str, str]

    def expanded(self, sql: str) -> str:
        """Return SQL as it leaves for the store.

        Raises: KeyError with a variable that is not there.
        """
        macros = {
            "fromTime_ms": f"fromUnixTimestamp64Milli({self.from_ms})",
            "toTime_ms": f"fromUnixTimestamp64Milli({self.to_ms})",
            "interval_s": str(self.interval_s),
        }
        told = _VARIABLE.sub(lambda found: as_in_an_address(self.chosen[found[1]]), sql)
        for name, value in macros.items():
            told = re.sub(rf"\$__{name}\b", value, told)
        left = _UNDONE.search(told)
        assert left is None, left
        return told


def as_in_an_address(text: str) -> str:
    """Return what the format `percentencode` makes of a text."""
    return quote(text, safe="-_.~")


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a dashboard's panels without its headings."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def sql_of(panel: Mapping[str, Any]) -> str:
    """Return a panel's one query."""
    (target,) = panel["targets"]
    return str(target["rawSql"])


def asked(store: EmbeddedStore, database: str, sql: str, output: str = "JSONCompact") -> Reply:
    """Ask as the reading user, for a form of answer that a test can read."""
    return ask(store, sql, {"database": database, "default_format": output})


def answer(store: EmbeddedStore, database: str, sql: str) -> tuple[dict[str, str], list[list[Any]]]:
    """Return the columns with their types, and the rows."""
    reply = asked(store, database, sql)
    assert reply.status == 200, f"{reply.text}\n{sql}"
    told = json.loads(reply.body)
    return {column["name"]: column["type"] for column in told["meta"]}, told["data"]


def asked_by_the_data_source(store: EmbeddedStore, database: str, sql: str) -> Reply:
    """Ask as clickhouse-go does for the plugin: Native blocks of its revision, packed with gzip."""
    headers = {
        "X-ClickHouse-User": "analyst",
        "Accept-Encoding": "gzip",
        "User-Agent": "grafana/13.2.3 clickhouse-datasource/4.20.0 clickhouse-go/2.50.0",
    }
    options = CLICKHOUSE_GO | {"database": database, "enable_http_compression": 1}
    return ask(store, sql, options, headers=headers)
