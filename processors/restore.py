"""What the store has of rooms, back to rooms that decide the rest exactly as if they had stayed in memory.

A stay's opening, its closing and what the room itself is are replayed as the facts they are, so that the core alone
knows what they mean; what every status moves (snapshot, lease, sequence number, ids) comes summed up.
Source: design section 5; tests/processors/test_restore_laws.py has the law.
"""

from processors.rooms import RoomKey
from state_machine.evolve import evolve
from state_machine.facts import Fact, Snapshot
from state_machine.room import Room
from storage.restoring import StoredFact, StoredRooms, StoredStay


def restored_rooms(stored: StoredRooms) -> dict[RoomKey, Room]:
    """Return the rooms, by kind and id."""
    rooms: dict[RoomKey, Room] = {}
    for row in stored.attributes:
        evolve(_room_of(rooms, row), row.fact)
    for stay in sorted(stored.stays, key=_opening_order):
        _restore_stay(_room_of(rooms, stay.opened), stay)
    for row in stored.answers:
        row.fact.command_id = row.input_id
        _room_of(rooms, row).answers[row.input_id] = row.fact
    for key, used_at_ms in stored.uses_ms.items():
        if (room := rooms.get(key)) is not None:
            room.used_at_ms = max(room.used_at_ms, used_at_ms)
    return rooms


def _room_of(rooms: dict[RoomKey, Room], row: StoredFact) -> Room:
    key = (row.room_kind, row.room_id)
    room = rooms.get(key)
    if room is None:
        room = rooms[key] = Room(*key)
    return room


def _opening_order(stay: StoredStay) -> tuple[int, int, bool, int]:
    _, offset, index = stay.opened.place
    fact_index = stay.opened.fact.index
    return offset, index, fact_index == 0, fact_index


def _restore_stay(room: Room, stay: StoredStay) -> None:
    evolve(room, stay.opened.fact)
    if stay.closed is not None:
        evolve(room, stay.closed.fact)
    session = room.sessions[stay.opened.fact.session_id]
    session.snapshot = _snapshot_after(stay.last)
    session.since_ms = _since_after(stay.last)
    session.at_ms = stay.at_ms
    session.lease_ends_at_ms = stay.lease_ends_at_ms
    if stay.closed is None and stay.lease_ends_at_ms:
        # The opening's lease may end later than the newest: a clock that had jumped ahead came back.
        room.next_lease_end_ms = min(room.next_lease_end_ms, stay.lease_ends_at_ms)
    session.seq = stay.seq
    session.recent_ids = stay.recent_ids
    session.client_max_size = stay.client_max_size or session.client_max_size


def _snapshot_after(fact: Fact) -> Snapshot:
    return fact.declared if fact.moved else fact.before


def _since_after(fact: Fact) -> int:
    return fact.at_ms if fact.moved and fact.declared.state != fact.before.state else fact.since_ms
