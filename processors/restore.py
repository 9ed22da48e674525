"""What the store has of rooms, back to rooms that decide the rest exactly as if they had stayed in memory.

A stay's opening, its closing and what the room itself is are replayed as the facts they are, so that the core alone
knows what they mean; what every status moves (snapshot, lease, sequence number, ids) comes summed up.
Source: design section 5; tests/processors/test_restore_laws.py has the law.
"""

from collections.abc import Iterable
from sys import intern

from processors.rooms import RoomKey
from state_machine.evolve import evolve, remember_answer
from state_machine.room import Room
from storage.live_stays import StoredStay
from storage.restoring import StoredFact, StoredRooms


def restored_rooms(stored: StoredRooms) -> dict[RoomKey, Room]:
    """Return the rooms without their sessions, by kind and id."""
    rooms: dict[RoomKey, Room] = {}
    for row in stored.attributes:
        evolve(_room_of(rooms, (row.room_kind, row.room_id)), row.fact)
    for row in stored.answers:
        row.fact.command_id = row.input_id
        remember_answer(_room_of(rooms, (row.room_kind, row.room_id)), row.input_id, row.fact)
    for key, used_at_ms in stored.uses_ms.items():
        if (room := rooms.get(key)) is not None:
            room.used_at_ms = max(room.used_at_ms, used_at_ms)
    return rooms


def restore_stays(rooms: dict[RoomKey, Room], stays: Iterable[StoredStay]) -> None:
    """Add the stays, which come in the order of their openings, to the rooms."""
    for stay in stays:
        _restore_stay(_room_of(rooms, (stay.room_kind, stay.room_id)), stay)


def restore_publications(rooms: dict[RoomKey, Room], published: Iterable[StoredFact]) -> None:
    """Add the publications to the rooms."""
    for row in published:
        evolve(_room_of(rooms, (row.room_kind, row.room_id)), row.fact)


def _room_of(rooms: dict[RoomKey, Room], key: RoomKey) -> Room:
    room = rooms.get(key)
    if room is None:
        room_kind, room_id = key
        key = intern(room_kind), room_id
        room = rooms[key] = Room(*key)
    return room


def _restore_stay(room: Room, stay: StoredStay) -> None:
    evolve(room, stay.opened)
    if stay.closed is not None:
        evolve(room, stay.closed)
    session = room.sessions[stay.opened.session_id]
    # Of a stay that was quiet since its opening these are what they were: the same objects take less memory.
    if stay.snapshot != session.snapshot:
        session.snapshot = stay.snapshot
    if stay.at_ms != session.at_ms:
        session.at_ms = stay.at_ms
    if stay.since_ms != session.since_ms:
        session.since_ms = stay.since_ms
    session.lease_ends_at_ms = stay.lease_ends_at_ms
    if stay.closed is None and stay.lease_ends_at_ms:
        # The opening's lease may end later than the newest: a clock that had jumped ahead came back.
        room.next_lease_end_ms = min(room.next_lease_end_ms, stay.lease_ends_at_ms)
    session.seq = stay.seq
    session.recent_ids = tuple(stay.recent_ids)
    session.client_max_size = stay.client_max_size or session.client_max_size
