"""The SQL that finds which streams are published: the newest word on each, in log order, if it is a publication.

Publications stand in rows of their own facts, of which a stream has few; the index `publication` knows the granules that
have any, so subscribers who come and go cost nothing here.  Source: contract 5; state_machine/publications.py.
"""

from collections.abc import Collection
from typing import Final

from storage.restoring import FACT_COLUMNS, ORDER, StoredFact, fact_of
from storage.store import Store

IS_PUBLICATION: Final = "room_kind = 'stream' AND fact IN ('stream_published', 'stream_unpublished')"

_RUNNING: Final = f"""
SELECT {FACT_COLUMNS}
FROM room_events
WHERE {IS_PUBLICATION} AND log_partition IN {{numbers:Array(UInt16)}}
ORDER BY {ORDER} DESC
LIMIT 1 BY room_id"""


async def running_publications(store: Store, partitions: Collection[int]) -> list[StoredFact]:
    """Return of each stream in the partitions that is published the fact that says so.

    Raises: StoreUnavailable, StoreRefused.
    """
    rows = await store.rows(_RUNNING, {"numbers": sorted(partitions)})
    return [stored for stored in map(fact_of, rows) if stored.fact.name == "stream_published"]
