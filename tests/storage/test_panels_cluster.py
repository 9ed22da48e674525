"""Every question on a cluster's tables."""

from pathlib import Path

from storage.panels import panel_names, read_panel
from storage.store import Store
from tests.storage.cluster_store import TWO_SHARDS, ClusterStore
from tests.storage.rows_builder import NOON_MS
from tests.storage.test_cluster import migrated, put, some_rows
from tests.storage.test_panels import GIVEN, HOUR_MS, span


async def test_every_question_is_answered_by_several_shards(tmp_path: Path) -> None:
    given = GIVEN | span(NOON_MS - HOUR_MS, NOON_MS + HOUR_MS)
    cluster = ClusterStore(tmp_path)
    cluster.start()
    try:
        async with await Store.connect(await migrated(cluster, TWO_SHARDS)) as store:
            await put(store, some_rows())
            for name in panel_names():
                panel = read_panel(name)
                await store.rows(panel.sql, panel.values(given))
    finally:
        cluster.stop()
