"""A cluster of ClickHouse servers as a client sees it: shards, replicas, and the settings that keep the promise there.

Rows of a log partition live on one shard (`shard_of`); the tables are made by the same migrations (`migration_text`).
Why these settings keep "exactly once" on replicas: docs/decisions/0009, docs/operating.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from storage.store_errors import StoreRefused

_SETTINGS: Final[dict[str, Any]] = {
    # What was acknowledged is on most replicas, one insert after the other, and nobody reads less than that.
    "insert_quorum_parallel": 0,
    "insert_quorum_timeout": 20_000,
    "select_sequential_consistency": 1,
    # An insert that loses its keeper ends; it never comes back to life after its writer was replaced.
    "insert_keeper_max_retries": 0,
    # An insert is answered when its shard has it, with the shard's error.
    "distributed_foreground_insert": 1,
    # Of a shard's replicas the same one, while it is well: it is the one that surely has the newest rows.
    "load_balancing": "in_order",
    # A subquery is asked once, of all shards; its answer is sent to them.
    "distributed_product_mode": "global",
    "distributed_ddl_task_timeout": 100,
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: `shards` with `replicas` servers each."""

    name: str
    shards: int
    replicas: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of everything that is asked of it."""
        return _SETTINGS | {"insert_quorum": _quorum(self.shards * self.replicas)}

    def insert_settings(self, shard: int) -> dict[str, Any]:
        """Return the settings of an insert of rows that all belong to one shard."""
        return {"insert_shard_id": shard + 1, "insert_quorum": _quorum(self.replicas)}

    def shard_of(self, partition: int) -> int:
        """Return the shard (0, 1, …) that the rows of a log partition are written to."""
        return partition % self.shards


async def read_cluster(client: AsyncClient, name: str) -> Cluster:
    """Return the cluster of that name as the server that the client talks to knows it.

    Raises: StoreRefused if there is none, or if it is defined so that rows would be doubled or misplaced.
    """
    result = await client.query(
        "SELECT * FROM system.clusters WHERE cluster = {name:String}", parameters={"name": name}
    )
    rows = list(result.named_results())
    if not rows:
        known = await client.query("SELECT DISTINCT cluster FROM system.clusters ORDER BY cluster")
        names = ", ".join(row[0] for row in known.result_rows) or "none"
        raise StoreRefused(0, f"the store knows no cluster {name}, but {names}: correct ROOMSTATE_STORE_CLUSTER")
    shards = [row["shard_num"] for row in rows]
    replicas = {shards.count(shard) for shard in shards}
    if any(row["shard_weight"] != 1 for row in rows):
        raise StoreRefused(0, f"the shards of cluster {name} have weights; give each the weight 1")
    if len(replicas) > 1:
        raise StoreRefused(0, f"the shards of cluster {name} have different numbers of replicas; give each as many")
    if replicas != {1} and not all(row.get("internal_replication", 1) for row in rows):
        raise StoreRefused(0, f"cluster {name} lacks <internal_replication>true</internal_replication> in its shards")
    return Cluster(name, len(set(shards)), replicas.pop())


def _quorum(servers: int) -> int | str:
    """Return the number of servers that must have an insert: most of them. (`auto` never ends where there is one.)"""
    return "auto" if servers > 1 else 0
