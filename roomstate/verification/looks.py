"""What the store has beside the answers: consequences, and what commands' rows keep where no column holds it.

These rows are few and can't be added up blindly, because the log does not say which consequences an input had. So they
come in log order, page by page, next to the frames.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from roomstate.verification.sums import Buckets, Look
from roomstate.verification.text import COPY_HASH
from storage.store import Store

PAGE_ROWS: Final = 50_000
_EXTRA_BYTES_MAX: Final = 4096
"""A longer one is looked at row by row, so that a page stays small."""

_PAGE: Final = f"""
SELECT log_partition, log_offset, log_index, fact_index, if(fact_index > 0, {COPY_HASH}, 0),
    multiIf(fact_index > 0, '', length(extra) > {_EXTRA_BYTES_MAX}, NULL, extra)
FROM room_events
WHERE (fact_index > 0 OR (kind NOT IN ('status', '') AND extra != '')) AND log_partition < {{partitions:UInt16}}
    AND log_offset >= {{starts:Array(UInt64)}}[log_partition + 1]
    AND log_offset < {{stops:Array(UInt64)}}[log_partition + 1]
    AND (log_partition, log_offset, log_index, fact_index) > {{after:Tuple(Int32, UInt64, UInt32, UInt16)}}
ORDER BY log_partition, log_offset, log_index, fact_index
LIMIT {{rows:UInt32}}"""

_Row = tuple[int, int, int, int, int, str | None]
_Place = tuple[int, int, int, int]


class Looks:
    """Reads them in the order of partitions and offsets."""

    def __init__(self, store: Store, buckets: Sequence[Buckets]) -> None:
        """Take what is to be compared of each partition, in their order."""
        self._store = store
        self._parameters: dict[str, Any] = {
            "partitions": len(buckets),
            "starts": [each.start for each in buckets],
            "stops": [each.stop for each in buckets],
            "rows": PAGE_ROWS,
        }
        self._rows: deque[_Row] = deque()
        self._after: _Place = (-1, 0, 0, 0)
        self._has_more = True

    async def before(self, partition: int, offset: int) -> Mapping[int, Sequence[Look]]:
        """Return what comes next, up to before the offset, by offset; what is behind it comes with a later call.

        Raises: StoreUnavailable, StoreRefused.
        """
        found: dict[int, list[Look]] = {}
        while True:
            while self._rows and self._rows[0][:2] < (partition, offset):
                number, at_offset, log_index, fact_index, copy_hash, extra = self._rows.popleft()
                if number == partition:
                    found.setdefault(at_offset, []).append(Look(log_index, fact_index, copy_hash, extra))
            if self._rows or not self._has_more:
                return found
            await self._read_page()

    async def _read_page(self) -> None:
        rows: list[Any] = []
        async for block in self._store.stream_rows(_PAGE, {**self._parameters, "after": self._after}):
            rows += block
        self._has_more = len(rows) == PAGE_ROWS
        if self._has_more and rows[0][:4] != rows[-1][:4]:
            # Rows of the last place may be on both sides of the page's end: they all come with the next one.
            last = rows[-1][:4]
            while rows[-1][:4] == last:
                rows.pop()
        if rows:
            self._after = rows[-1][:4]
            self._rows.extend(rows)
