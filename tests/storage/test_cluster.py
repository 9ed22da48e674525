"""A cluster of one engine: the migrations' tables over shards, and every promise that a single server keeps."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from storage.accounting import read_accounting
from storage.cluster import Cluster
from storage.columns import LANDING_TABLE
from storage.live_stays import live_stays
from storage.migrate import MigrationError, migrate
from storage.ownership import Mark, claim, stored_marks
from storage.restoring import last_decisions, named_rooms
from storage.retention import retention_days
from storage.sharded_insert import blocks_by_shard, insert_by_shard
from storage.store import InsertUncertain, StaleEpoch, Store, StoreRefused, StoreUnavailable
from tests.storage.cluster_store import ONE_SHARD, TWO_SHARDS, ClusterStore, migrations_without_keeper
from tests.storage.filled_log import fill, new_log
from tests.storage.rows_builder import LOG_ID, NOON_MS, Row, Story, as_table
from tests.storage.test_migrations import VIEW_COLUMNS


@pytest.fixture(scope="module")
def cluster_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStore]:
    store = ClusterStore(tmp_path_factory.mktemp("cluster_store"))
    store.start()
    yield store
    store.stop()


async def migrated(store: ClusterStore, name: str, retention: int = 0) -> str:
    url = store.new_url(name)
    with migrations_without_keeper():
        await migrate(url, retention)
    return url


def some_rows(partitions: int = 4) -> list[Row]:
    """Return rows of calls in several partitions, of every kind that a view looks at."""
    rows = []
    for partition in range(partitions):
        story = Story(partition)
        stay = story.open(f"s{partition}", NOON_MS, NOON_MS * 2, room_id=f"room {partition}")
        stay.status(NOON_MS + 1000, "sendrecv", 2, 1, 1)
        stay.status(NOON_MS + 2000, "sending", 2, 1, 0, verdict="violation")
        story.open("gone", NOON_MS, room_id=f"room {partition}", input_id=f"i{partition}").close(NOON_MS + 5)
        story.dead_letter(NOON_MS + 9, extra='{"base64": "YQ==", "bytes": 1}')
        rows += story.rows
    return rows


async def put(store: Store, rows: list[Row]) -> dict[int, int]:
    epochs = await claim(store, {row["log_partition"] for row in rows}, "test", LOG_ID, NOON_MS)
    await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[row["log_partition"]]} for row in rows]))
    return epochs


async def engines(store: Store) -> dict[str, str]:
    return dict(await store.rows("SELECT name, engine FROM system.tables WHERE database = currentDatabase()"))


async def test_a_cluster_has_tables_of_its_shards_and_over_all_of_them(cluster_store: ClusterStore) -> None:
    url = await migrated(cluster_store, ONE_SHARD)
    async with await Store.connect(url) as store:
        found = await engines(store)
    assert {name: engine for name, engine in found.items() if engine != "View"} == {
        "room_events_local": "MergeTree",
        "room_events": "Distributed",
        "room_events_landing_local": "Null",
        "room_events_landing": "Distributed",
        "room_events_gate": "MaterializedView",
        "owners": "MergeTree",
        "accepted_gaps": "MergeTree",
        "schema_migrations": "ReplacingMergeTree",
    }
    with migrations_without_keeper():
        assert await migrate(url) == []


async def test_everything_reads_on_a_cluster_as_it_does_on_one_server(
    cluster_store: ClusterStore, store_database: str
) -> None:
    answers = []
    for url in (await migrated(cluster_store, ONE_SHARD), store_database):
        async with await Store.connect(url) as store:
            await put(store, some_rows())
            found: list[Any] = [await store.rows("SELECT * EXCEPT (epoch) FROM ledger ORDER BY ALL")]
            for view in sorted(VIEW_COLUMNS.keys() - {"ledger"}):
                found.append(await store.rows(f"SELECT * FROM {view} ORDER BY ALL"))
            found.append(await stored_marks(store, range(5)))
            found.append([stays async for stays in live_stays(store, dict.fromkeys(range(4), 0))])
            found.append(await named_rooms(store, [("call", "room 1"), ("call", "nowhere")]))
            found.append(await last_decisions(store, range(4), 5000, NOON_MS))
            answers.append(found)
    assert answers[0] == answers[1]
    assert all(answers[0])


async def test_the_account_of_a_cluster_is_balanced(cluster_store: ClusterStore, tmp_path: Path) -> None:
    url = await migrated(cluster_store, ONE_SHARD)
    with contextlib.closing(new_log(tmp_path)) as log:
        rows = fill(log)
        async with await Store.connect(url) as store:
            await put(store, [row for row in rows if row["log_offset"] != 1])
            account = await read_accounting(store, log)
            assert [partition.missing for partition in account.partitions] == [[(1, 1)]] * 3
            assert not account.balanced


async def test_rows_of_several_shards_are_one_part_in_each(cluster_store: ClusterStore) -> None:
    url = await migrated(cluster_store, TWO_SHARDS)
    async with await Store.connect(url) as store:
        await put(store, some_rows())
        # Both shards are the same table here: a part of one holds the partitions of one shard.
        parts = await store.rows(
            "SELECT arraySort(groupUniqArray(log_partition)) FROM room_events_local GROUP BY _part"
        )
        assert sorted(parts) == [([0, 2],), ([1, 3],)]
        assert await store.rows("SELECT count() FROM room_events_local") == [(len(some_rows()),)]


async def test_a_stale_writer_is_refused_on_the_shard_of_its_partition(cluster_store: ClusterStore) -> None:
    url = await migrated(cluster_store, TWO_SHARDS)
    async with await Store.connect(url) as store:
        mine = await claim(store, [0, 1], "first", LOG_ID, NOON_MS)
        await claim(store, [1], "second", LOG_ID, NOON_MS)
        rows = [row | {"epoch": mine[row["log_partition"]]} for row in some_rows(2)]
        with pytest.raises(StaleEpoch):
            await store.insert(LANDING_TABLE, as_table(rows))
        held = await store.rows("SELECT DISTINCT log_partition FROM room_events_local")
        assert held == [(0,)], "the other shard has its rows, and its mark says so"
        assert (await stored_marks(store, [0]))[0] > Mark(-1, 0, 0)


async def test_a_cluster_forgets_old_days_on_its_shards(cluster_store: ClusterStore) -> None:
    url = cluster_store.new_url(ONE_SHARD)
    for days in (30, 30, 0):
        with migrations_without_keeper():
            await migrate(url, days)
        async with await Store.connect(url) as store:
            assert await retention_days(store) == days


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown", "knows no cluster unknown, but .*one_shard.* ROOMSTATE_STORE_CLUSTER"),
        ("weighted", "have weights"),
        ("doubling", "lacks <internal_replication>"),
        ("uneven", "different numbers of replicas"),
    ],
)
async def test_a_cluster_that_cannot_keep_the_promise_is_refused(
    cluster_store: ClusterStore, name: str, says: str
) -> None:
    with pytest.raises(StoreRefused, match=says):
        await Store.connect(cluster_store.new_url(name), database="default")


async def test_most_replicas_must_have_an_insert(cluster_store: ClusterStore) -> None:
    async with await Store.connect(cluster_store.new_url("replicated"), database="default") as store:
        assert store.cluster == Cluster("replicated", shards=2, replicas=2)
        settings = "insert_quorum, insert_quorum_parallel, select_sequential_consistency, insert_keeper_max_retries"
        sql = ", ".join(f"toString(getSetting('{name}'))" for name in settings.split(", "))
        assert await store.rows(f"SELECT {sql}") == [("auto", "false", "1", "0")]
        assert store.cluster.insert_settings(1) == {"insert_shard_id": 2, "insert_quorum": "auto"}
    assert Cluster("alone", shards=3, replicas=1).insert_settings(0)["insert_quorum"] == 0


async def test_a_database_of_one_server_is_none_of_a_cluster_and_the_other_way_round(
    cluster_store: ClusterStore,
) -> None:
    clustered = await migrated(cluster_store, ONE_SHARD)
    alone, _, _ = clustered.partition("?")
    with pytest.raises(MigrationError, match="was made for a cluster: name it in ROOMSTATE_STORE_CLUSTER"):
        await migrate(alone)
    async with await Store.connect(alone) as store:
        with pytest.raises(StoreRefused, match="was made for a cluster"):
            await claim(store, [0], "test", LOG_ID, NOON_MS)
    alone, _, query = cluster_store.new_url(ONE_SHARD).partition("?")
    await migrate(alone)
    with migrations_without_keeper(), pytest.raises(MigrationError, match="was made for one server"):
        await migrate(f"{alone}?{query}")


class Replicas(Store):
    """A store whose cluster has a second server, of which the test says what it answers."""

    has_claim = True
    answers = True
    is_active = True
    insert_runs = False

    async def rows(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        found = await super().rows(sql, parameters)
        if self.answers and "system.one" in sql:
            found.append(("second", 9000))
        if self.answers and "owners)" in sql and self.has_claim:
            found += [("second", 9000, held) for _, _, held in found]
        if self.answers and "system.processes" in sql and self.insert_runs:
            found.append(("second:9000 an older insert",))
        if "system.replicas" in sql:
            held = {"1-first": True, "1-second": self.is_active}
            found += [("/owners", f"1-{name}", held) for name in ("first", *(["second"] * self.answers))]
        return found


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        ({}, ""),
        ({"answers": False, "is_active": False}, ""),
        ({"has_claim": False}, "until second:9000 has the claim"),
        ({"answers": False}, "until replica 1-second of /owners, which is active, answers"),
        ({"insert_runs": True}, "for an older insert to end"),
    ],
)
async def test_a_claim_waits_for_every_replica_that_could_still_let_somebody_in(
    cluster_store: ClusterStore, state: dict[str, bool], waits: str
) -> None:
    url = await migrated(cluster_store, ONE_SHARD)
    async with await Replicas.connect(url) as store:
        for name, value in state.items():
            setattr(store, name, value)
        if waits:
            with pytest.raises(StoreUnavailable, match=f"waiting {waits}"):
                await claim(store, [0, 1], "test", LOG_ID, NOON_MS, settle_s=0.3)
        claiming = asyncio.create_task(claim(store, [0, 1], "test", LOG_ID, NOON_MS))
        if waits:
            assert not (await asyncio.wait([claiming], timeout=0.2))[0]
        for name in state:
            setattr(store, name, getattr(Replicas, name))
        assert set(await claiming) == {0, 1}


TABLE = pyarrow.table({"log_partition": [0, 1, 2, 3, 1], "row": [0, 1, 2, 3, 4]})
BUSY, GONE, STALE = StoreUnavailable("busy"), InsertUncertain("cut"), StaleEpoch(395, "stale epoch")


@pytest.mark.parametrize(
    ("outcomes", "raised"),
    [
        ([None, None, None], None),
        ([BUSY, BUSY, BUSY], StoreUnavailable),
        ([None, BUSY, BUSY], InsertUncertain),
        ([GONE, BUSY, BUSY], InsertUncertain),
        ([None, None, StoreRefused(60, "no table")], InsertUncertain),
        ([None, GONE, STALE], StaleEpoch),
        ([KeyError("a fault of ours"), None, GONE], KeyError),
    ],
)
async def test_the_outcomes_of_shards_are_one_outcome(
    outcomes: list[Exception | None], raised: type[Exception] | None
) -> None:
    asked = {}

    async def insert(shard: int, block: pyarrow.Table) -> None:
        asked[shard] = block["row"].to_pylist()
        if (error := outcomes[shard]) is not None:
            raise error

    cluster = Cluster("c", shards=3, replicas=1)
    if raised is None:
        await insert_by_shard(TABLE, cluster, insert)
    else:
        with pytest.raises(raised) as caught:
            await insert_by_shard(TABLE, cluster, insert)
        assert type(caught.value) is raised
    assert asked == {0: [0, 3], 1: [1, 4], 2: [2]}


def test_a_block_of_one_shard_is_left_as_it_is() -> None:
    assert blocks_by_shard(TABLE, Cluster("c", shards=1, replicas=3)) == {0: TABLE}
