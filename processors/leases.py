"""Which rooms of a partition have leases that end, soonest first.

A heap with at most one valid entry a room, which says when that is: extending a lease costs nothing, the entry just
turns out to be early when it comes up and is put back at the true end.
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
        self._heap: list[tuple[int, RoomKey]] = []
        self._asked: dict[tuple[RoomKey, str], int] = {}

    def watch(self, key: RoomKey, room: Room, lease_ends_at_ms: int) -> None:
        """Look at the room when the lease ends, unless that happens earlier anyway."""
        if lease_ends_at_ms < room.look_at_ms:
            room.look_at_ms = lease_ends_at_ms
            heappush(self._heap, (lease_ends_at_ms, key))

    def watch_room(self, key: RoomKey, room: Room) -> None:
        """Watch every lease of a room that came from the store."""
        for session in room.sessions.values():
            if _has_lease(session):
                self.watch(key, room, session.lease_ends_at_ms)
        self.watch_publication(key, room)

    def watch_publication(self, key: RoomKey, room: Room) -> None:
        """Watch the lease of the room's publication, if it has one."""
        if room.publication is not None and room.publication.lease_ends_at_ms:
            self.watch(key, room, room.publication.lease_ends_at_ms)

    def next_end_ms(self) -> int:
        """Return when the next look is due."""
        return self._heap[0][0] if self._heap else NEVER_MS

    def ended(self, rooms: Rooms, now_ms: int) -> list[Ended]:
        """Return the leases that have passed, each once; call `asked` for those that were then asked about."""
        return [ended for key, room in self._due_rooms(rooms, now_ms) for ended in self._ended_in(key, room, now_ms)]

    def _due_rooms(self, rooms: Rooms, now_ms: int) -> Iterator[tuple[RoomKey, Room]]:
        while self._heap and self._heap[0][0] <= now_ms:
            end_ms, key = heappop(self._heap)
            room = rooms.by_key.get(key)
            if room is not None and room.look_at_ms == end_ms:
                room.look_at_ms = NEVER_MS
                yield key, room

    def _ended_in(self, key: RoomKey, room: Room, now_ms: int) -> Iterator[Ended]:
        for session_id, lease_ends_at_ms in _leases_of(room):
            if self._asked.get((key, session_id)) == lease_ends_at_ms:
                continue
            if lease_ends_at_ms <= now_ms:
                yield Ended(key, session_id, lease_ends_at_ms)
            else:
                self.watch(key, room, lease_ends_at_ms)

    def asked(self, ended: Ended) -> None:
        """Remember that an `expire` input for this lease end is in the log."""
        self._asked[ended.key, ended.session_id] = ended.lease_ends_at_ms

    def put_back(self, ended: Ended, rooms: Rooms) -> None:
        """Look at the room again: nobody could be asked."""
        self._asked.pop((ended.key, ended.session_id), None)
        if (room := rooms.by_key.get(ended.key)) is not None:
            self.watch(ended.key, room, ended.lease_ends_at_ms)

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
