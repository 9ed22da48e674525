"""A block on a cluster: one block for each shard, and one outcome for all of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pyarrow

from storage.cluster import Cluster
from storage.store_errors import InsertUncertain, StaleEpoch, StoreError

PLACED_BY = "log_partition"
"""The column that says where a row belongs."""


async def insert_by_shard(
    table: pyarrow.Table, cluster: Cluster, insert: Callable[[int, pyarrow.Table], Awaitable[None]]
) -> None:
    """Call `insert` with each shard that rows belong to and those rows, side by side.

    Raises: what `insert` raised, once all have ended; but InsertUncertain if some shards have their rows and others
    may not: their partitions' marks tell which.
    """
    blocks = blocks_by_shard(table, cluster)
    outcomes = await asyncio.gather(*(insert(*block) for block in blocks.items()), return_exceptions=True)
    errors = [outcome for outcome in outcomes if outcome is not None]
    if not errors:
        return
    first = min(errors, key=_rank)
    if len(errors) < len(blocks) and isinstance(first, StoreError) and not isinstance(first, StaleEpoch):
        done = len(blocks) - len(errors)
        raise InsertUncertain(f"{done} of {len(blocks)} shards have their rows of an insert: {first}") from first
    raise first


def blocks_by_shard(table: pyarrow.Table, cluster: Cluster) -> dict[int, pyarrow.Table]:
    """Return the rows of each shard that has any, in their order."""
    shards = [cluster.shard_of(partition) for partition in table[PLACED_BY].to_pylist()]
    if len(set(shards)) == 1:
        return {shards[0]: table}
    return {
        shard: table.filter(pyarrow.array([found == shard for found in shards], pyarrow.bool_()))
        for shard in sorted(set(shards))
    }


def _rank(error: BaseException) -> int:
    """Return what comes first: our end, a fault of ours, that somebody else owns a partition, an unknown outcome."""
    if not isinstance(error, StoreError):
        return 1 if isinstance(error, Exception) else 0
    return 2 if isinstance(error, StaleEpoch) else 3 if isinstance(error, InsertUncertain) else 4
