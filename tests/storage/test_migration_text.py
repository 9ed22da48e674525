"""What migrations become on one server and on a cluster; the real engine reads every statement of a cluster's."""

import pytest

from storage.cluster_schema import on_every_server
from storage.migrate import read_migrations
from storage.migration_text import ClusterNames, rendered
from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.storage.cluster_store import without_keeper

NAMES = ClusterNames("it's `c`", "a `database` \\")
CHECKSUMS_IN_STORES = {
    "0001_room_events": "bffa0069a6e263efae8844e72110e6db6ab1f23ae28b1912ad288e0832a7641d",
    "0002_ownership": "e15512db8d194225ef7329b8940aff7c2ce5ff17a035e6cf1cd8c69b1410b527",
    "0003_views": "2211e2146598f238b237ee5ad2321f2df4cd37d4b1efea59fd264499502319c1",
    "0004_keep_replaced_parts": "a257323dbb10eaedaa53659ed71965ceccaa336f9b4ee173d7a93f48021cb219",
    "0005_live_stays": "8a9563bef7ac172b195c8929e23ab8fb80564eb338e4aea1cd7e2c89c470385e",
    "0006_sync_at_once": "78c9518275ad3da3dd2234d642d158a8dbd86a4fc67f85f01631b293a74e77f8",
}
"""What stores of earlier programs recorded: a migration of theirs must come out as it was, byte for byte."""


def test_migrations_are_on_one_server_what_they_were() -> None:
    found = {migration.name: migration.checksum for migration in read_migrations()}
    assert {name: found[name] for name in CHECKSUMS_IN_STORES} == CHECKSUMS_IN_STORES


def test_the_checksum_on_a_cluster_is_its_own_and_the_same_on_all_clusters() -> None:
    alone, one, other = (read_migrations(names=names) for names in (None, NAMES, ClusterNames("c", "d")))
    assert [migration.checksum for migration in one] == [migration.checksum for migration in other]
    assert alone[0].checksum != one[0].checksum


@pytest.mark.parametrize(
    ("text", "alone", "clustered"),
    [
        ("CREATE TABLE t{_local}{on_cluster}", "CREATE TABLE t", "CREATE TABLE t_local ON CLUSTER `c`"),
        (
            "ENGINE = {sharded:MergeTree}",
            "ENGINE = MergeTree",
            "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')",
        ),
        (
            "{everywhere:ReplacingMergeTree(at)}",
            "ReplacingMergeTree(at)",
            "ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}', at)",
        ),
        ("a\n{cluster}b {distributed:t}\nc", "a\nc", "a\nb Distributed(`c`, `d`, t, log_partition)\nc"),
        ("x {global}IN y{consistently}", "x IN y", "x GLOBAL IN y SETTINGS select_sequential_consistency = 1"),
        ("{number:UInt32} {shard} {}", "{number:UInt32} {shard} {}", "{number:UInt32} {shard} {}"),
    ],
)
def test_words_in_braces_become_sql(text: str, alone: str, clustered: str) -> None:
    assert rendered(text, None) == alone
    assert rendered(text, ClusterNames("c", "d")) == clustered


def test_every_statement_on_a_cluster_is_one_that_the_engine_reads(embedded_store: EmbeddedStore) -> None:
    statements = [statement for migration in read_migrations(names=NAMES) for statement in migration.statements]
    assert all("ON CLUSTER" in statement for statement in statements)
    for statement in statements:
        assert embedded_store.run(f"EXPLAIN AST {statement}").startswith((b"CreateQuery", b"AlterQuery"))


def test_no_cluster_is_named_on_one_server() -> None:
    texts = [statement for migration in read_migrations() for statement in migration.statements]
    assert not [text for text in texts if any(word in text for word in ("CLUSTER", "_local", "Replicated", "{"))]


async def test_what_other_servers_have_can_be_made_on_one_that_has_nothing(
    embedded_store: EmbeddedStore, store_database: str
) -> None:
    async with await Store.connect(store_database) as store:
        tables = await store.rows(
            "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() "
            "ORDER BY indexOf(['Null', 'MaterializedView', 'View'], engine), name"
        )
        statements = on_every_server((query for (query,) in tables), NAMES.cluster)
        for statement in statements:
            assert "IF NOT EXISTS" in statement
            assert embedded_store.run(f"EXPLAIN AST {statement}").startswith(b"CreateQuery")
        empty = f"{store.database}_joined"
        await store.command(f"CREATE DATABASE {empty}")
        for statement in statements:
            await store.command(without_keeper(statement).replace(f"{store.database}.", f"{empty}."))
        joined = await store.rows("SELECT count() FROM system.tables WHERE database = {name:String}", {"name": empty})
        await store.command(f"DROP DATABASE {empty} SYNC")
    assert joined == [(len(tables),)]
