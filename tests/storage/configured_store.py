"""The embedded store with a configuration of the engine, as a server would have one: clusters, users and their rights.

`python -m tests.storage.configured_store …` is `python -m storage.embedded …` whose engine reads `engine.xml` in the
data folder. The engine has no listener of ClickHouse's own protocol, so a server of a cluster can only be this one.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chdb

from roomstate.ports import free_port
from storage.embedded.__main__ import main
from tests.fixtures_store import EmbeddedStore

CONFIGURATION = "store/engine.xml"
USERS = "store/users.xml"
_TCP_PORT = 9440
_GRANTS_OF_THE_DOOR = ("GRANT READ ON FILE", "GRANT CREATE TEMPORARY TABLE ON *.*")
_SHARD = (
    "<shard><weight>{weight}</weight><internal_replication>{is_replicated}</internal_replication>{replicas}</shard>"
)
_REPLICA = f"<replica><host>127.0.0.1</host><port>{_TCP_PORT}</port></replica>"
_HEAD = f"""<clickhouse>
<tcp_port>{_TCP_PORT}</tcp_port>
<macros><shard>1</shard><replica>first</replica></macros>
"""


class ConfiguredStore(EmbeddedStore):
    """A store whose engine knows clusters of itself, and whose engine's user has only the rights that are given."""

    module = "tests.storage.configured_store"

    def __init__(self, data_dir: Path, clusters: str = "", users: str = "") -> None:
        super().__init__(data_dir, free_port())
        (data_dir / "store").mkdir(parents=True)
        users_config = f"<users_config>{data_dir / USERS}</users_config>" if users else ""
        self.set_users(users)
        (data_dir / CONFIGURATION).write_text(
            f"{_HEAD}<remote_servers>{clusters}</remote_servers>{users_config}</clickhouse>"
        )

    def set_users(self, users: str) -> None:
        """Give the engine these users when it starts next."""
        (self.data_dir / USERS).write_text(users)


def cluster(name: str, shards: int, replicas: int = 1, *, weight: int = 1, is_replicated: bool = True) -> str:
    """Return the definition of a cluster whose servers are all this one."""
    shard = _SHARD.format(weight=weight, is_replicated=str(is_replicated).lower(), replicas=_REPLICA * replicas)
    return f"<{name}>{shard * shards}</{name}>"


def users_with(grants: list[str], *, readonly: int = 0) -> str:
    """Return the users of an engine: the one that it works as has these rights, and what the door itself needs.

    Beside it there is `migrator`, who may do everything and whose name a view can bear.
    """
    queries = "".join(f"<query>{grant}</query>" for grant in (*grants, *_GRANTS_OF_THE_DOOR))
    everywhere = "<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
    return f"""<clickhouse>
    <profiles><default><readonly>{readonly}</readonly></default></profiles><quotas><default/></quotas>
    <users>
    <default><password></password>{everywhere}<grants>{queries}</grants></default>
    <migrator><password></password>{everywhere}</migrator>
    </users></clickhouse>"""


def _run() -> None:
    data_dir = sys.argv[sys.argv.index("--data-dir") + 1]
    connect: Callable[[str], Any] = chdb.connect

    def connect_configured(path: str) -> Any:
        return connect(f"{path}?config-file={data_dir}/{CONFIGURATION}")

    chdb.connect = connect_configured
    main()


if __name__ == "__main__":
    _run()
