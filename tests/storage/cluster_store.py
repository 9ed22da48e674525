"""A store that is a cluster as far as one engine without a keeper can be: real shards, no replication between servers.

`ON CLUSTER` is carried out by servers' keepers and replicated tables rest on them; the embedded engine has none. So the
migrations' own SQL is taken, with these two left out.
"""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from storage import migrate as migrations
from storage import retention
from storage.migration_text import ClusterNames, rendered
from storage.store_url import with_cluster
from tests.storage.configured_store import ConfiguredStore, cluster

ONE_SHARD = "one_shard"
TWO_SHARDS = "two_shards"
CLUSTERS = "".join(
    (
        cluster(ONE_SHARD, 1),
        cluster(TWO_SHARDS, 2),
        cluster("weighted", 2, weight=3),
        cluster("doubling", 1, replicas=2, is_replicated=False),
        cluster("replicated", 2, replicas=2),
        cluster("uneven", 1, replicas=2).replace("</uneven>", "") + cluster("uneven", 1).replace("<uneven>", ""),
    )
)
_ON_CLUSTER = re.compile(r" ON CLUSTER (`(?:[^`\\]|\\.)*`|\w+)")
_REPLICATED = re.compile(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")


def without_keeper(sql: str) -> str:
    """Return a cluster's statement as a server that has no keeper can carry it out for itself."""
    return _REPLICATED.sub(r"\1(", _ON_CLUSTER.sub("", sql))


@contextmanager
def migrations_without_keeper() -> Iterator[None]:
    """Let migrations make a cluster's tables without a keeper."""

    def plain(text: str, names: ClusterNames | None, **kept: bool) -> str:
        return without_keeper(rendered(text, names, **kept))

    with mock.patch.object(migrations, "rendered", plain), mock.patch.object(retention, "rendered", plain):
        yield


class ClusterStore(ConfiguredStore):
    """A store of the clusters above."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, CLUSTERS)

    def new_url(self, name: str) -> str:
        """Return the URL of a database that does not exist yet, on the cluster of that name."""
        return with_cluster(self.url(f"test_{uuid.uuid4().hex[:12]}"), name)
