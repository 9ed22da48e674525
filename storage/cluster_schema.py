"""The tables of a database on all servers of a cluster, and whether the database fits the store at all.

A server that joined a cluster later has none of the tables. It is given what the others have now, word for word: the
migrations would give it the tables of once, which the keeper's record of an altered replicated table contradicts.
"""

import re
from collections.abc import Iterable
from typing import Final

from storage.columns import LANDING_TABLE
from storage.migration_text import ClusterNames, quoted
from storage.store import Store, StoreRefused

_NAME: Final = r"(?:`(?:[^`\\]|\\.)*`|\w+)"
_HEAD: Final = re.compile(rf"CREATE (TABLE|VIEW|MATERIALIZED VIEW) ({_NAME}\.{_NAME})")
_COUNTS: Final = """
SELECT hostName() AS server, tcpPort() AS port, countIf(database = {database:String}) AS tables
FROM clusterAllReplicas({cluster:String}, system.tables)
GROUP BY server, port
ORDER BY tables DESC, server, port
"""
# What reads or fills other tables comes after them.
_TABLES: Final = """
SELECT create_table_query
FROM clusterAllReplicas({cluster:String}, system.tables)
WHERE database = {database:String} AND hostName() = {server:String} AND tcpPort() = {port:UInt16}
ORDER BY indexOf(['Null', 'Distributed', 'MaterializedView', 'View'], engine), name
"""


async def check_layout(store: Store) -> None:
    """Refuse a database that was made for one server on a cluster, and the other way round.

    Raises: StoreRefused, StoreUnavailable.
    """
    engines = await store.rows(
        "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": LANDING_TABLE},
    )
    if engines == [("Distributed",)] and store.cluster is None:
        raise StoreRefused(0, f"database {store.database} was made for a cluster: name it in ROOMSTATE_STORE_CLUSTER")
    if engines == [("Null",)] and store.cluster is not None:
        raise StoreRefused(
            0,
            f"database {store.database} was made for one server, not for cluster {store.cluster.name}: name another "
            "database in ROOMSTATE_STORE_URL, or leave ROOMSTATE_STORE_CLUSTER out",
        )


async def complete_servers(store: Store, names: ClusterNames) -> int:
    """Give servers that lack tables of the database those of the server that has most; return how many lacked some.

    Raises: StoreUnavailable, StoreRefused.
    """
    counts = await store.rows(_COUNTS, names._asdict())
    server, port, most = counts[0]
    lacking = sum(int(count < most) for _, _, count in counts)
    if lacking:
        tables = await store.rows(_TABLES, {**names._asdict(), "server": server, "port": port})
        for statement in on_every_server((query for (query,) in tables), names.cluster):
            await store.command(statement)
    return lacking


def on_every_server(queries: Iterable[str], cluster: str) -> list[str]:
    """Return the statements that make what the queries of `system.tables` made, wherever it is missing."""
    return [
        _HEAD.sub(rf"CREATE \1 IF NOT EXISTS \2 ON CLUSTER {_escaped(cluster)}", query, count=1) for query in queries
    ]


def _escaped(cluster: str) -> str:
    return quoted(cluster).replace("\\", r"\\")
