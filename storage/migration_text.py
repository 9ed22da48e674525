"""What the text of a migration becomes on one server, and what on a cluster.

A migration is plain SQL with a few names in braces, so that the same file makes both:

| in the file                    | one server  | cluster `c`, database `d`                                    |
|--------------------------------|-------------|--------------------------------------------------------------|
| `room_events{_local}`          | room_events | room_events_local                                            |
| `{on_cluster}`                 |             | ` ON CLUSTER c`                                              |
| `{sharded:MergeTree}`          | MergeTree   | ReplicatedMergeTree(…): each shard has its own rows          |
| `{everywhere:MergeTree}`       | MergeTree   | ReplicatedMergeTree(…): every server has all rows            |
| `{distributed:t}`              |             | Distributed(c, d, t, log_partition)                          |
| `{global}IN`                   | IN          | GLOBAL IN                                                    |
| `{consistently}`               |             | ` SETTINGS select_sequential_consistency = 1`                |
| a line that begins `{cluster}` | left out    | the rest of the line                                         |

A line that begins `{embedded}` is left out but on the embedded store.

The replicated tables' paths name shard, database and table, not a uuid, so that a server that joins later finds them.
"""

import re
from typing import Final, NamedTuple

_WORD: Final = re.compile(
    r"\{(_local|on_cluster|global|consistently|cluster|(?:sharded|everywhere|distributed):[^}]+)\}"
)
_ENGINE: Final = re.compile(r"(\w+)(?:\((.*)\))?")
_PATHS: Final = {
    "sharded": ("/clickhouse/tables/{shard}/{database}/{table}", "{replica}"),
    "everywhere": ("/clickhouse/tables/all/{database}/{table}", "{shard}-{replica}"),
}


class ClusterNames(NamedTuple):
    """Where the tables of a cluster are."""

    cluster: str
    database: str


STANDING_FOR_ALL: Final = ClusterNames("{cluster}", "{database}")
"""Names for the checksum of a migration on a cluster, which is the same on all."""


def rendered(text: str, names: ClusterNames | None, *, is_embedded: bool = False) -> str:
    """Return the SQL of a migration on one server (None) or on a cluster."""
    if names is None:
        text = re.sub(r"^\{cluster\}.*\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\{embedded\}" + ("" if is_embedded else r".*\n?"), "", text, flags=re.MULTILINE)
    return _WORD.sub(lambda found: _on_cluster(found[1], names) if names else _on_one_server(found[1]), text)


def quoted(name: str) -> str:
    """Return a name as SQL takes it."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _on_one_server(word: str) -> str:
    kind, _, argument = word.partition(":")
    return argument if kind in _PATHS else ""


def _on_cluster(word: str, names: ClusterNames) -> str:
    kind, _, argument = word.partition(":")
    if kind in _PATHS:
        return _replicated(argument, *_PATHS[kind])
    plain = {
        "_local": "_local",
        "on_cluster": f" ON CLUSTER {quoted(names.cluster)}",
        "global": "GLOBAL ",
        "consistently": " SETTINGS select_sequential_consistency = 1",
        "cluster": "",
        "distributed": f"Distributed({quoted(names.cluster)}, {quoted(names.database)}, {argument}, log_partition)",
    }
    return plain[kind]


def _replicated(engine: str, path: str, replica: str) -> str:
    found = _ENGINE.fullmatch(engine)
    if found is None:
        raise ValueError(f"{engine} is no engine")
    arguments = ", ".join(filter(None, (f"'{path}'", f"'{replica}'", found[2])))
    return f"Replicated{found[1]}({arguments})"
