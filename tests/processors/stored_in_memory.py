"""What storage.restoring, live_stays and publications ask the store, answered from rows in memory, naively.

Laws are tried out on it by the thousand; some of the same examples go through the real store.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from processors.restore import restore_publications, restore_stays, restored_rooms
from processors.rooms import RoomKey
from state_machine.room import Room
from storage.live_stays import IDS_PER_STAY, stay_of
from storage.restoring import ANSWERS_PER_ROOM, StoredFact, StoredRooms, fact_of, log_order

Row = dict[str, Any]
_COLUMNS = tuple(
    """
    room_kind room_id kind input_id log_partition log_offset log_index fact fact_index at session_id user_id opened_at
    state connections send_streams recv_streams prev_state prev_connections prev_send_streams prev_recv_streams
    prev_since moved event_family verdict reason lease_ends_at extra""".split()  # noqa: SIM905  # in the SQL's order
)


def restored(rows: Sequence[Row], closed_since_ms: int) -> Mapping[RoomKey, Room]:
    """Return the rooms with live and lately closed sessions or a publication, and those alone, as they come back."""
    rooms: dict[RoomKey, Room] = {}
    restore_stays(rooms, [stay_of(_stay_row(stay)) for stay in _stays(rows) if _is_wanted(stay, closed_since_ms)])
    restore_publications(rooms, _running_publications(rows))
    return rooms


def _running_publications(rows: Sequence[Row]) -> list[StoredFact]:
    said = [row for row in sorted(rows, key=_place) if row["fact"] in ("stream_published", "stream_unpublished")]
    newest = {_key(row): row for row in said}
    return [fact_of(_fact_row(row)) for row in newest.values() if row["fact"] == "stream_published"]


def restored_by_name(rows: Sequence[Row], keys: frozenset[RoomKey]) -> Mapping[RoomKey, Room]:
    """Return the rooms without their sessions, as they come back from the rows."""
    return restored_rooms(_stored_by_name(rows, keys))


def _stored_by_name(rows: Sequence[Row], keys: frozenset[RoomKey]) -> StoredRooms:
    of_rooms = [row for row in rows if _key(row) in keys]
    attributes = _last_of(of_rooms, 1, lambda row: (*_key(row), row["fact"]), _is_attribute)
    answers = _last_of(of_rooms, ANSWERS_PER_ROOM, _key, _is_answer)
    return StoredRooms(
        sorted(map(fact_of, map(_fact_row, attributes)), key=log_order),
        sorted(map(fact_of, map(_fact_row, answers)), key=log_order),
        _uses_ms(of_rooms),
    )


def _uses_ms(rows: Iterable[Row]) -> Mapping[RoomKey, int]:
    used: dict[RoomKey, int] = {}
    for row in rows:
        if row["fact"] in ("session_opened", "session_refreshed"):
            is_use = row["kind"] != "status"
        else:
            is_use = row["fact"] == "session_closed" and row["reason"] in ("left", "killed", "replaced")
        if is_use:
            used[_key(row)] = max(row["at"], used.get(_key(row), 0))
    return used


def _key(row: Row) -> RoomKey:
    return row["room_kind"], row["room_id"]


def _place(row: Row) -> tuple[int, int, bool, int]:
    return row["log_offset"], row["log_index"], row["fact_index"] == 0, row["fact_index"]


def _stays(rows: Iterable[Row]) -> list[list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_place):
        if row["opened_at"]:
            found[*_key(row), row["session_id"], row["opened_at"]].append(row)
    return sorted(found.values(), key=lambda stay: min(_place(row) for row in stay if row["fact"] == "session_opened"))


def _is_wanted(stay: list[Row], closed_since_ms: int) -> bool:
    closings = [row for row in stay if row["fact"] == "session_closed"]
    if not closings or max(row["at"] for row in closings) >= closed_since_ms:
        return True
    leases = [row["lease_ends_at"] for row in stay if row["lease_ends_at"]]
    is_ended_by_others = closings[0]["reason"] in ("killed", "replaced")
    return closings[0]["room_kind"] == "account" and is_ended_by_others and leases[-1] > closed_since_ms


def _stay_row(stay: list[Row]) -> tuple[Any, ...]:
    first = next(row for row in stay if row["fact"] == "session_opened")
    closed = [row for row in stay if row["fact"] == "session_closed"]
    judged = [row for row in stay if row["fact"] == "status_judged"]
    leases = [row["lease_ends_at"] for row in stay if row["lease_ends_at"]]
    ids = [row["input_id"] for row in judged if row["input_id"] and row["verdict"] != "duplicate"]
    said_again = [json.loads(row["extra"] or "{}") for row in stay if row["fact"] == "session_refreshed"]
    sizes = [extra["client_max_size"] for extra in said_again if "client_max_size" in extra]
    last = stay[-1]
    side = "" if last["moved"] else "prev_"
    has_changed = last["moved"] and last["state"] != last["prev_state"]
    return (
        *(first[name] for name in ("room_kind", "room_id", "session_id", "opened_at")),
        0,
        (first["user_id"], first["lease_ends_at"], first["extra"]),
        len(closed),
        (closed[-1]["at"], closed[-1]["reason"]) if closed else (0, ""),
        tuple(last[side + name] for name in ("state", "connections", "send_streams", "recv_streams")),
        last["at"] if has_changed else last["prev_since"],
        max(row["at"] for row in stay),
        leases[-1] if leases else 0,
        max((row["client_seq"] for row in judged if row["verdict"] not in ("duplicate", "late")), default=0),
        ids[-IDS_PER_STAY:],
        sizes[-1] if sizes else 0,
    )


def _fact_row(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _COLUMNS)


def _last_of(
    rows: Iterable[Row], count: int, group: Callable[[Row], tuple[str, ...]], is_wanted: Callable[[Row], bool]
) -> list[Row]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=_place):
        if is_wanted(row):
            groups[group(row)].append(row)
    return [row for found in groups.values() for row in found[-count:]]


def _is_attribute(row: Row) -> bool:
    return row["fact"] in ("room_created", "room_updated", "room_deleted")


def _is_answer(row: Row) -> bool:
    return (
        row["fact_index"] == 0
        and row["input_id"] != ""
        and row["kind"] not in ("status", "")
        and (row["fact"], row["reason"]) != ("ignored", "duplicate")
    )
