"""Makes one part of what nobody has written to for an hour: of a day, soon after it is over.

The engine itself merges parts of like size and leaves several of each day. In one part rows take a quarter less room,
and an aggregate is there once and not once for each part (decision 0013). The engine could do it too
(`min_age_to_force_merge_seconds`), but it never merges a part that has projections with one that has none yet, and here
parts get theirs when they are first merged (migration 0011): so whichever lacks them gets them first.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from storage.embedded.engine import Engine, Surroundings
from storage.embedded.engine_errors import EngineError
from storage.embedded.sql_text import quoted_name, quoted_text
from storage.embedded.syncing import Syncing

_LOG = logging.getLogger(__name__)
_TAG: Final = "store-quiet-partitions"
_CANCEL_AGAIN_S: Final = 0.5
_FOUND_SQL: Final = """
SELECT database, table, partition_id
FROM system.parts
WHERE active AND engine LIKE '%MergeTree' AND database != 'system'
GROUP BY database, table, partition_id
HAVING count() > 1 AND max(modification_time) <= now() - {quiet_s}
ORDER BY database, table, partition_id"""
_PROJECTIONS_SQL: Final = "SELECT name FROM system.projections WHERE database = {database} AND table = {table}"
_PARTS_DIFFER_SQL: Final = """
SELECT uniqExact(projections) > 1
FROM
(
    SELECT part, arraySort(groupArrayIf(projection, projection != '')) AS projections
    FROM
    (
        SELECT name AS part, '' AS projection
        FROM system.parts
        WHERE active AND database = {database} AND table = {table} AND partition_id = {id}
        UNION ALL
        SELECT parent_name, name
        FROM system.projection_parts
        WHERE active AND database = {database} AND table = {table} AND partition_id = {id}
    )
    GROUP BY part
)"""


class _Partition(NamedTuple):
    database: str
    table: str
    id: str

    @property
    def quoted_table(self) -> str:
        return f"{quoted_name(self.database)}.{quoted_name(self.table)}"


class QuietPartitions:
    """Looks every `every_s` for partitions that were quiet for `quiet_s`, in a thread of its own, until `stop`."""

    def __init__(self, engine: Engine, syncing: Syncing, quiet_s: int = 3600, every_s: float = 600.0) -> None:
        self._engine = engine
        self._syncing = syncing
        self._quiet_s = quiet_s
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="store-quiet-partitions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cancel what is under way, and look no more."""
        self._stopping.set()
        while self._thread.is_alive():
            self._engine.cancel(_TAG)
            self._thread.join(_CANCEL_AGAIN_S)

    def _watch(self) -> None:
        while not self._stopping.wait(self._every_s):
            with self._told():
                for partition in self._found():
                    with self._told():
                        self._merge(partition)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what failed, and go on: one partition that can't be merged keeps no other from it."""
        try:
            yield
        except EngineError as error:
            if not self._stopping.is_set():
                _LOG.warning("store: a day that is over stays in several parts for now: %s", error.detail)

    def _merge(self, partition: _Partition) -> None:
        names = {name: quoted_text(value) for name, value in partition._asdict().items()}
        if self._lines(_PARTS_DIFFER_SQL.format(**names)) == ["1"]:
            self._write(_materializing(partition, self._lines(_PROJECTIONS_SQL.format(**names))))
        self._write(f"OPTIMIZE TABLE {partition.quoted_table} PARTITION ID {names['id']} FINAL")

    def _found(self) -> list[_Partition]:
        return [_Partition(*line.split("\t")) for line in self._lines(_FOUND_SQL.format(quiet_s=self._quiet_s))]

    def _lines(self, sql: str) -> list[str]:
        with self._engine.session(Surroundings()) as session:
            return session.run(sql).body.decode().splitlines()

    def _write(self, sql: str) -> None:
        """Run one statement, and put on disk what it wrote before what it replaced is taken away."""
        if self._stopping.is_set():
            return
        with self._engine.session(Surroundings(tag=_TAG, settings={"mutations_sync": "1"})) as session:
            session.run(sql)
        self._syncing.sync()


def _materializing(partition: _Partition, projections: list[str]) -> str:
    where = f"IN PARTITION ID {quoted_text(partition.id)}"
    made = ", ".join(f"MATERIALIZE PROJECTION {quoted_name(name)} {where}" for name in projections)
    return f"ALTER TABLE {partition.quoted_table} {made}"
