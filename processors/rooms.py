"""The rooms of one log partition that are in memory, and which of them are known whole.

In memory is every room with a live or recently closed session or a publication (takeover loads those), and what was
touched lately. A room that a takeover or a status brought in may have attributes and answered commands that only the
store knows: it is not *whole* until they were fetched. A status never looks at those, nor does an `expire` without an
id; everything else does (design section 5).
"""

from state_machine.evolve import forget
from state_machine.inputs import Input
from state_machine.room import Room, Rules

RoomKey = tuple[str, str]
"""Room kind and room id."""

_CLOCK_SKEW_MS = 60_000
"""How much later than others one ingest process's clock may run without a session being forgotten too early."""


def needs_whole_room(item: Input) -> bool:
    """Tell whether deciding the input takes the room's attributes or answered commands."""
    return item.kind != "status" and (item.kind != "expire" or bool(item.id))


class Rooms:
    """Rooms of one partition, by kind and id; plain memory, no IO."""

    def __init__(self) -> None:
        self.by_key: dict[RoomKey, Room] = {}
        """For the hot loop to look into; rooms are added and removed through the methods alone."""
        self._whole: set[RoomKey] = set()
        self._used: set[RoomKey] = set()

    def open(self, key: RoomKey) -> Room:
        """Return a new empty room under the key."""
        room = self.by_key[key] = Room(*key)
        return room

    def add_sessions(self, key: RoomKey, stored: Room) -> None:
        """Keep a room that is not in memory yet, of which the store gave sessions and publication and nothing else."""
        self.by_key[key] = stored

    def is_whole(self, key: RoomKey) -> bool:
        """Tell whether nothing of the room is known to the store alone."""
        return key in self._whole

    def add_whole(self, key: RoomKey, stored: Room) -> Room:
        """Keep what the store had of the room and return the room.

        If it is in memory already, its sessions and publication there are newer than the store's and stay.
        """
        room = self.by_key.get(key)
        if room is None:
            room = self.by_key[key] = stored
        else:
            room.created_at_ms = stored.created_at_ms
            room.deleted_at_ms = stored.deleted_at_ms
            room.owner = stored.owner
            room.max_size = stored.max_size
            room.expires_at_ms = stored.expires_at_ms
            room.said_at_ms = stored.said_at_ms
            room.used_at_ms = max(room.used_at_ms, stored.used_at_ms)
            room.attributes = stored.attributes
            room.answers = stored.answers
        self._whole.add(key)
        return room

    def note_use(self, key: RoomKey) -> None:
        """Remember that a room without sessions was touched since the last sweep; others stay anyway."""
        self._used.add(key)

    def sweep(self, received_ms: int, rules: Rules, kept: frozenset[RoomKey]) -> int:
        """Let rooms leave memory that have no session, no publication, and were not touched since last time.

        `kept` are rooms whose newest rows are not in the store yet: fetching one again would miss them.
        Units: `received_ms` is the received time that the partition has come to.
        """
        idle: list[RoomKey] = []
        for key, room in self.by_key.items():
            if room.sessions:
                forget(room, received_ms - _CLOCK_SKEW_MS, rules)
            elif room.publication is None and key not in self._used and key not in kept:
                idle.append(key)
        for key in idle:
            del self.by_key[key]
            self._whole.discard(key)
        self._used.clear()
        return len(idle)
