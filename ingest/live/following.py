"""Keeping the picture up to date with the store: look by look, and from the beginning whenever that can't be sure.

The picture begins with the marks (the highest offset of each partition) and then with who is live, so what was stored
in between is counted in twice and missed never. It begins anew when offsets are missing between two looks, when there
is too much at once, and when the store turns out to hold more than looks have found.
"""

from typing import Final

from ingest.live.picture import Change, Picture
from ingest.store_gate import StoreGate
from storage.clock import now_ms
from storage.live_facts import FACTS_MAX, LiveFact, facts_behind, highest_offsets, live_stays_now

STAYS_MAX: Final = 50_000
"""Sessions that are shown one by one."""
_JUDGED_SLACK_MS: Final = 15_000
"""So much older than the newest fact another worker's clock, or a repeated insert, may have dated one."""
_EXPIRE_EVERY_MS: Final = 1000


class Follower:
    """Follows the store from `begin` on."""

    def __init__(self, store: StoreGate, partitions: int) -> None:
        self._store = store
        self._marks = [-1] * partitions
        self._newest_ms = 0
        self._expired_ms = 0
        self._behind: dict[int, int] = {}
        self.picture = Picture(())
        self.is_whole = True
        """Whether everybody who is live is in the picture; there may be too many."""

    async def begin(self) -> None:
        """Read who is live.

        Raises: StoreError.
        """
        offsets = await highest_offsets(self._store)
        stays = await live_stays_now(self._store, STAYS_MAX + 1)
        self._marks = [offsets.get(partition, -1) for partition in range(len(self._marks))]
        self._newest_ms = now_ms()
        self._behind = {}
        self.is_whole = len(stays) <= STAYS_MAX
        self.picture = Picture(stays[:STAYS_MAX])

    async def look(self) -> Change | None:
        """Take in what the store got, and return what changed; None = the picture was begun anew.

        Raises: StoreError.
        """
        facts = await facts_behind(self._store, self._marks, self._newest_ms - _JUDGED_SLACK_MS)
        if len(facts) >= FACTS_MAX or not self._take(facts) or len(self.picture) > 2 * STAYS_MAX:
            await self.begin()
            return None
        if now_ms() - self._expired_ms >= _EXPIRE_EVERY_MS:
            self._expired_ms = now_ms()
            self.picture.expire(self._expired_ms)
        return self.picture.take_change()

    async def check(self) -> bool:
        """Return whether looks find everything: nothing that the store had at the last check is still to be found.

        Raises: StoreError.
        """
        missed = any(self._marks[partition] < offset for partition, offset in self._behind.items())
        offsets = await highest_offsets(self._store)
        self._behind = {number: offset for number, offset in offsets.items() if number < len(self._marks)}
        return not missed

    def _take(self, facts: list[LiveFact]) -> bool:
        """Apply the facts; return False if there is a gap before one of them."""
        for fact in facts:
            mark = self._marks[fact.partition]
            if fact.offset > mark + 1 and mark >= 0:
                return False
            self._marks[fact.partition] = max(mark, fact.offset)
            self._newest_ms = max(self._newest_ms, fact.judged_at_ms)
            self.picture.apply(fact)
        return True
