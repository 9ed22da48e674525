"""Nonces of signed requests, each good for one request: in this process, and in its siblings behind the same port.

Each process appends the digests of the nonces that it saw to a ring of its own and reads on in those of the others
before it answers. It writes before it reads, so that of two requests with one nonce that come to two processes at the
same moment at least one is refused. A ring outlives its process: who comes in its place knows what it saw. On
several machines each machine remembers for itself: a request taken on one could be replayed, within the minute or two
for which its timestamp counts, to another.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Final

from ingest.siblings import SharedCells, Sibling

NONCE_MEMORY_S: Final = 130.0
"""Twice the minute by which a timestamp may be off, and a little: as long as a replay would be taken for fresh."""
_NONCES_MAX: Final = 500_000
"""How many are remembered of one age at most; the oldest make room."""
_DIGEST_BYTES: Final = 16
_CELLS_PER_DIGEST: Final = _DIGEST_BYTES // 8
_RING_DIGESTS: Final = 1 << 19


class SeenNonces:
    """Remembers nonces for at least as long as asked, in two ages of which the older is forgotten as a whole.

    Units: `memory_s` is how long, in seconds.
    """

    def __init__(self, memory_s: float, sibling: Sibling | None = None, nonces_max: int = _NONCES_MAX) -> None:
        self._memory_s = memory_s
        self._nonces_max = nonces_max
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()
        self._turned_at_s = time.monotonic()
        self._rings = [] if sibling is None else [NonceRing(sibling, number) for number in range(sibling.processes)]
        self._own_ring = None if sibling is None else self._rings[sibling.number]
        self._read_on(self._rings)

    def is_seen(self, who: str, nonce: str, timestamp: str) -> bool:
        """Tell whether the nonce was seen before, and remember it."""
        self._turn()
        digest = hashlib.blake2b("\n".join((who, nonce, timestamp)).encode(), digest_size=_DIGEST_BYTES).digest()
        is_seen = self._is_known(digest)
        if self._own_ring is not None and not is_seen:
            self._own_ring.append(digest)
            self._read_on(ring for ring in self._rings if ring is not self._own_ring)
            is_seen = self._is_known(digest)
        if not is_seen:
            self._newer.add(digest)
        return is_seen

    def _is_known(self, digest: bytes) -> bool:
        return digest in self._newer or digest in self._older

    def _turn(self) -> None:
        now_s = time.monotonic()
        if now_s - self._turned_at_s > self._memory_s or len(self._newer) >= self._nonces_max:
            self._older, self._newer = self._newer, set()
            self._turned_at_s = now_s

    def _read_on(self, rings: Iterable["NonceRing"]) -> None:
        for ring in rings:
            self._newer.update(ring.news())


class NonceRing:
    """The newest nonces that one process saw; the first cell counts all that ever were."""

    def __init__(self, sibling: Sibling, number: int, capacity: int = _RING_DIGESTS) -> None:
        self._capacity = capacity
        self._cells = SharedCells(sibling.path("nonces", number), 1 + _CELLS_PER_DIGEST * capacity)
        self._read = 0

    def append(self, digest: bytes) -> None:
        """Add a digest; for the ring's own process alone."""
        count = self._cells[0]
        start = self._start_of(count)
        self._cells.memory[start : start + _DIGEST_BYTES] = digest
        self._cells[0] = count + 1
        self._read = count + 1

    def news(self) -> Iterator[bytes]:
        """Yield what was added since the last call; of more than the ring holds, the newest."""
        count = self._cells[0]
        for index in range(max(self._read, count - self._capacity), count):
            start = self._start_of(index)
            yield self._cells.memory[start : start + _DIGEST_BYTES]
        self._read = count

    def _start_of(self, index: int) -> int:
        return 8 + index % self._capacity * _DIGEST_BYTES
