"""A writer whose store is killed under it: what it sent, what was acknowledged, and what must therefore be stored."""

import random
from dataclasses import dataclass, field

from storage.columns import LANDING_TABLE
from storage.ownership import NOTHING, Mark, claim, stored_marks
from storage.store import InsertUncertain, Store, StoreUnavailable
from tests.storage.rows_builder import LOG_ID, NOON_MS, Row, Stay, Story, as_table

SIZES = (1, 2, 5, 40, 400)


@dataclass
class KilledWriter:
    """Writes blocks that hold rows of all its partitions; each is there whole or not at all."""

    name: str
    partitions: tuple[int, ...]
    chance: random.Random
    stored: dict[int, int] = field(default_factory=dict)
    """Rows of each partition that must be in the store."""
    acknowledged: int = 0
    uncertain: list[Row] = field(default_factory=list)
    """The block whose outcome is not known."""
    outcomes: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    """How many uncertain blocks turned out to be stored (True) or not (False)."""
    _next_offset: dict[int, int] = field(default_factory=dict)
    _stays: dict[int, Stay] = field(default_factory=dict)
    _judged_at_ms: int = NOON_MS

    async def write_until_it_dies(self, store: Store) -> None:
        """Settle what is uncertain, then insert block after block until the store is gone."""
        epochs = await claim(store, self.partitions, self.name, LOG_ID, NOON_MS)
        if self.uncertain:
            await self._insert(store, self.uncertain, epochs)
        while True:
            await self._insert(store, self._next_block(), epochs)

    async def settle(self, store: Store) -> None:
        """Find out what became of the uncertain block, and hold the marks against what was acknowledged."""
        marks = await stored_marks(store, self.partitions)
        behind = {partition: self._mark_before(partition) for partition in self.partitions}
        if marks == behind:
            self.outcomes[False] += bool(self.uncertain)
            return
        ahead = {row["log_partition"]: Mark(row["log_offset"], row["log_index"], 0) for row in self.uncertain}
        assert marks == ahead, f"{self.name}: neither without the uncertain block, {behind}, nor with it whole, {ahead}"
        self.outcomes[True] += 1
        self._note_stored(self.uncertain)

    async def _insert(self, store: Store, rows: list[Row], epochs: dict[int, int]) -> None:
        try:
            await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[row["log_partition"]]} for row in rows]))
        except InsertUncertain:
            self.uncertain = rows
            raise
        except StoreUnavailable:
            self.uncertain = []
            self._unsend(rows)
            raise
        self._note_stored(rows)
        self.acknowledged += 1

    def _note_stored(self, rows: list[Row]) -> None:
        for row in rows:
            self.stored[row["log_partition"]] = self.stored.get(row["log_partition"], 0) + 1
        self.uncertain = []

    def _unsend(self, rows: list[Row]) -> None:
        """Go back to before a block that surely was not stored; its stays are forgotten, the next ones are others."""
        self._stays.clear()
        for row in rows:
            partition = row["log_partition"]
            self._next_offset[partition] = min(self._next_offset[partition], row["log_offset"])

    def _mark_before(self, partition: int) -> Mark:
        """Return the mark without the uncertain block: every input here is one frame with one fact."""
        return Mark(self.stored[partition] - 1, 0, 0) if self.stored.get(partition) else NOTHING

    def _next_block(self) -> list[Row]:
        self._judged_at_ms += 1
        return [row for partition in self.partitions for row in self._rows_of(partition)]

    def _rows_of(self, partition: int) -> list[Row]:
        """Return a partition's next inputs: a stay goes on from block to block until it is closed."""
        first = self._next_offset.get(partition, 0)
        story = Story(partition, first_offset=first, judged_at_ms=self._judged_at_ms)
        for number in range(self.chance.choice(SIZES)):
            at_ms = self._judged_at_ms * 10
            stay = self._stays.pop(partition, None)
            if stay is None:
                session = f"{self.name}-{partition}-{first + number}"
                self._stays[partition] = story.open(session, at_ms, room_id=f"room {partition}")
                continue
            stay.story = story
            if self.chance.random() < 0.2:
                stay.close(at_ms)
                continue
            sends = self.chance.randrange(2)
            stay.status(at_ms, "sending" if sends else "waiting", 1 + sends, sends, 0)
            self._stays[partition] = stay
        self._next_offset[partition] = first + len(story.facts)
        return story.rows
