"""Which rooms of a partition have leases that end, soonest first.

A heap with at most one valid entry a room: extending a lease costs nothing, the entry just turns out to be early when
it comes up and is put back at the true end.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from processors.rooms import RoomKey, Rooms
from state_machine.room import NEVER_MS, Room, Session


class Ended(NamedTuple):
    """A lease that has passed and that nobody was asked to close yet."""

    key: RoomKey
    session_id: str
    """Empty = the room's publication."""
    lease_ends_at_ms: int


class Leases:
    """Lease ends of one partition's rooms.

    Units: epoch milliseconds, UTC.
    """

    def __init__(self) -> None:
        self.soonest_ms: dict[RoomKey, int] = {}
        """The valid heap entry of each room; for the hot loop to look into."""
        self._heap: list[tuple[int, RoomKey]] = []
        self._asked: dict[tuple[RoomKey, str], int] = {}

    def watch(self, key: RoomKey, lease_ends_at_ms: int) -> None:
        """Look at the room when the lease ends, unless that happens earlier anyway."""
        if lease_ends_at_ms < self.soonest_ms.get(key, NEVER_MS):
            self.soonest_ms[key] = lease_ends_at_ms
            heappush(self._heap, (lease_ends_at_ms, key))

    def watch_room(self, key: RoomKey, room: Room) -> None:
        """Watch every lease of a room that came from the store."""
        for session in room.sessions.values():
            if _has_lease(session):
                self.watch(key, session.lease_ends_at_ms)
        self.watch_publication(key, room)

    def watch_publication(self, key: RoomKey, room: Room) -> None:
        """Watch the lease of the room's publication, if it has one."""
        if room.publication is not None and room.publication.lease_ends_at_ms:
            self.watch(key, room.publication.lease_ends_at_ms)

    def next_end_ms(self) -> int:
        """Return when the next look is due."""
        return self._heap[0][0] if self._heap else NEVER_MS

    def ended(self, rooms: Rooms, now_ms: int) -> list[Ended]:
        """Return the leases that have passed, each once; call `asked` for those that were then asked about."""
        return [ended for key in self._due_rooms(now_ms) for ended in self._ended_in(key, rooms, now_ms)]

    def _due_rooms(self, now_ms: int) -> Iterator[RoomKey]:
        while self._heap and self._heap[0][0] <= now_ms:
            end_ms, key = heappop(self._heap)
            if self.soonest_ms.get(key) == end_ms:
                del self.soonest_ms[key]
                yield key

    def _ended_in(self, key: RoomKey, rooms: Rooms, now_ms: int) -> Iterator[Ended]:
        room = rooms.by_key.get(key)
        for session_id, lease_ends_at_ms in _leases_of(room) if room else ():
            if self._asked.get((key, session_id)) == lease_ends_at_ms:
                continue
            if lease_ends_at_ms <= now_ms:
                yield Ended(key, session_id, lease_ends_at_ms)
            else:
                self.watch(key, lease_ends_at_ms)

    def asked(self, ended: Ended) -> None:
        """Remember that an `expire` input for this lease end is in the log."""
        self._asked[ended.key, ended.session_id] = ended.lease_ends_at_ms

    def put_back(self, ended: Ended) -> None:
        """Look at the room again: nobody could be asked."""
        self._asked.pop((ended.key, ended.session_id), None)
        self.watch(ended.key, ended.lease_ends_at_ms)

    def answered(self, key: RoomKey, session_id: str) -> None:
        """Forget that somebody was asked: the input was decided."""
        self._asked.pop((key, session_id), None)


def _leases_of(room: Room) -> list[tuple[str, int]]:
    leases = [(each.session_id, each.lease_ends_at_ms) for each in room.sessions.values() if _has_lease(each)]
    if room.publication is not None and room.publication.lease_ends_at_ms:
        leases.append(("", room.publication.lease_ends_at_ms))
    return leases


def _has_lease(session: Session) -> bool:
    return session.closed_at_ms == 0 and session.lease_ends_at_ms > 0
