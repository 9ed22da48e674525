"""Waiting until nobody who was let in before a claim can still write.

On one server an insert that passed the gate before the claim shows in `system.processes`; when those that run now have
ended, what is stored is final. On a cluster each replica has a gate of its own, which knows of the claim when it has
the new row of `owners`. So first every replica must be seen to have it; those that can't be asked must be inactive to
the keeper, because a replica without a keeper commits nothing, and one that comes back reads `owners` only after it has
caught up (the gate reads with select_sequential_consistency). Then the inserts running on all of them are waited for.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from storage.columns import LANDING_TABLE
from storage.store import Store, StoreUnavailable

SETTLE_S: Final = 60.0
"""Longer than a ClickHouse server waits for the body of an insert whose sender froze (30 s)."""
_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.25

_IS_OURS: Final = "query_kind = 'Insert' AND position(query, {table:String}) > 0"
_RUNNING: Final = f"SELECT query_id FROM system.processes WHERE {_IS_OURS}"
_RUNNING_ON_CLUSTER: Final = f"""
SELECT concat(hostName(), ':', toString(tcpPort()), ' ', query_id)
FROM clusterAllReplicas({{cluster:String}}, system.processes)
WHERE {_IS_OURS}
SETTINGS skip_unavailable_shards = 1
"""
# What each server has itself, not what it should have: so without sequential consistency.
_SEEN: Final = """
SELECT hostName() AS server, tcpPort() AS port, groupUniqArray((log_partition, epoch))
FROM clusterAllReplicas({cluster:String}, {database:String}, owners)
WHERE log_partition IN {wanted:Array(UInt16)}
GROUP BY server, port
SETTINGS skip_unavailable_shards = 1, select_sequential_consistency = 0
"""
_SERVERS: Final = """
SELECT hostName(), tcpPort() FROM clusterAllReplicas({cluster:String}, system.one) SETTINGS skip_unavailable_shards = 1
"""
_REPLICAS: Final = """
SELECT zookeeper_path, replica_name, replica_is_active
FROM clusterAllReplicas({cluster:String}, system.replicas)
WHERE database = {database:String} AND table IN ('owners', 'room_events_local')
SETTINGS skip_unavailable_shards = 1
"""


async def settle(store: Store, epochs: Mapping[int, int], settle_s: float = SETTLE_S) -> None:
    """Return when no insert under an epoch older than these, already written to `owners`, runs or can begin.

    Raises: StoreUnavailable if that does not come about in time.
    """
    waits_for = "for the store"
    try:
        async with asyncio.timeout(settle_s):
            pauses = _Pauses()
            while store.cluster is not None and (waits_for := await _not_everywhere(store, epochs)):
                await pauses.next()
            waits_for = "for an older insert to end"
            older = await _running_inserts(store)
            while older:
                await pauses.next()
                older &= await _running_inserts(store)
    except TimeoutError as error:
        raise StoreUnavailable(f"a claim has been waiting {waits_for} for more than {settle_s:g} s") from error


class _Pauses:
    """Pauses that grow."""

    def __init__(self) -> None:
        self._pause_s = _FIRST_PAUSE_S

    async def next(self) -> None:
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)


async def _not_everywhere(store: Store, epochs: Mapping[int, int]) -> str:
    """Return which replica may not know of the claim; '' = every one knows, or can commit nothing."""
    parameters = _cluster_parameters(store)
    seen = await store.rows(_SEEN, parameters | {"wanted": sorted(epochs)})
    newest = {(server, port): dict(sorted(held)) for server, port, held in seen}
    for server, port in await store.rows(_SERVERS, parameters):
        known = newest.get((server, port), {})
        if any(known.get(partition, 0) < epoch for partition, epoch in epochs.items()):
            return f"until {server}:{port} has the claim"
    answering, active = set(), set()
    for path, replica, is_active in await store.rows(_REPLICAS, parameters):
        answering.add((path, replica))
        active |= {(path, name) for name, is_so in dict(is_active).items() if is_so}
    silent = sorted(active - answering)
    return f"until replica {silent[0][1]} of {silent[0][0]}, which is active, answers" if silent else ""


async def _running_inserts(store: Store) -> set[str]:
    parameters = {"table": LANDING_TABLE}
    if store.cluster is None:
        rows = await store.rows(_RUNNING, parameters)
    else:
        rows = await store.rows(_RUNNING_ON_CLUSTER, parameters | _cluster_parameters(store))
    return {query_id for (query_id,) in rows}


def _cluster_parameters(store: Store) -> dict[str, Any]:
    return {"cluster": store.cluster.name if store.cluster else "", "database": store.database}
