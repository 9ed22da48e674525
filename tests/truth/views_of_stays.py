"""The views of stays, row by row, from the recount: intervals, sessions, who is live, rooms.

Each returns rows by column name; times are milliseconds. Source: interfaces, "Views"; docs/metrics.md.
"""

from collections import Counter
from typing import Any

from tests.truth.plain_judgement import STATES
from tests.truth.plain_stays import MEDIA, StayTold
from tests.truth.recount import Recount
from tests.truth.told import Key, Told

Row = dict[str, Any]

SAYS_OF_THE_ROOM = ("room_created", "room_updated", "room_deleted", "stream_published", "stream_unpublished")


def _name(stay: StayTold) -> Row:
    room_kind, room_id, session_id, opened_at = stay.opening.stay
    return {"room_kind": room_kind, "room_id": room_id, "session_id": session_id, "opened_at": opened_at}


def state_intervals(recount: Recount, _now: int) -> list[Row]:
    return [
        _name(stay)
        | {
            "state": each.state,
            "entered_at": each.entered_at,
            "left_at": each.left_at,
            "duration_ms": each.duration,
            "entered_by": each.entered_by,
            "next_state": each.next_state,
        }
        for stay in recount.stays
        for each in stay.intervals
    ]


def sessions(recount: Recount, _now: int) -> list[Row]:
    return [_session(stay) | _of_media(stay) for stay in recount.stays]


def open_stays(recount: Recount, now: int) -> list[Row]:
    return [row for row in sessions(recount, now) if row["closed_at"] is None]


def _of_media(stay: StayTold) -> Row:
    sending, receiving = stay.alone("sending"), stay.alone("receiving")
    return {
        "peak_connections_with_media": max(
            (each.now.connections for each in stay.moves if each.now.state in MEDIA), default=0
        ),
        "one_way_sending_ms": max((end - start for start, end in sending if end is not None), default=0),
        "one_way_receiving_ms": max((end - start for start, end in receiving if end is not None), default=0),
        "one_way_since": next((start for start, end in sending + receiving if end is None), None),
    }


def _session(stay: StayTold) -> Row:
    return _name(stay) | {
        "user_id": stay.opening.user_id,
        "closed_at": stay.closed_at,
        "close_reason": stay.close_reason,
        "first_send_at": stay.first("send_streams"),
        "first_recv_at": stay.first("recv_streams"),
        "first_two_way_at": stay.first_in(("sendrecv",)),
        "media_ms": stay.spent(MEDIA),
        "two_way_ms": stay.spent(("sendrecv",)),
        "peak_connections": stay.peak("connections"),
        "peak_send_streams": stay.peak("send_streams"),
        "peak_recv_streams": stay.peak("recv_streams"),
        "statuses": len(stay.statuses),
        "violations": stay.violations,
        "last_state": stay.state,
        "device_type": stay.any_said("device_type"),
        "user_agent": stay.last_said("user_agent"),
        "lease_ends_at": stay.lease_end,
        "last_activity_at": max(each.at for each in stay.told),
        "left_init_at": stay.left_init_at,
        "first_media_at": stay.first_in(MEDIA),
        "last_state_at": stay.intervals[-1].entered_at,
        "furthest": stay.furthest,
        "longest_two_way_ms": stay.longest_two_way,
        "failure": stay.failure,
    }


def live_sessions(recount: Recount, now: int) -> list[Row]:
    return [_live_session(stay) for stay in recount.live(now)]


def _live_session(stay: StayTold) -> Row:
    snapshot = stay.moves[-1].now
    protocol = stay.opening.line.extra.get("protocol", "") if stay.opening.fact_index == 0 else ""
    return _name(stay) | {
        "user_id": stay.opening.user_id,
        "state": snapshot.state,
        "connections": snapshot.connections,
        "send_streams": snapshot.send_streams,
        "recv_streams": snapshot.recv_streams,
        "last_seen_at": max(each.received for each in stay.told),
        "lease_ends_at": stay.lease_end,
        "app": stay.any_said("app"),
        "service": stay.any_said("service"),
        "device_type": stay.any_said("device_type"),
        "client_ip": stay.last_said("client_ip"),
        "user_agent": stay.last_said("user_agent"),
        "bytes_sent": stay.most("bytes_sent"),
        "bytes_recv": stay.most("bytes_recv"),
        "protocol": protocol,
        "state_since": stay.intervals[-1].entered_at,
    }


def live_rooms(recount: Recount, now: int) -> list[Row]:
    rooms: dict[Key, list[StayTold]] = {}
    for stay in recount.live(now):
        rooms.setdefault(stay.opening.key, []).append(stay)
    return [
        {"room_kind": room_kind, "room_id": room_id, "sessions": len(stays)}
        | {state: len([stay for stay in stays if stay.state == state]) for state in STATES}
        | {
            "other": len([stay for stay in stays if stay.state not in STATES]),
            "first_opened_at": min(stay.opened_at for stay in stays),
            "last_active_at": max(each.received for stay in stays for each in stay.told),
        }
        for (room_kind, room_id), stays in rooms.items()
    ]


def rooms(recount: Recount, now: int) -> list[Row]:
    stays: dict[Key, list[StayTold]] = {}
    said: dict[Key, list[Told]] = {}
    for stay in recount.stays:
        stays.setdefault(stay.opening.key, []).append(stay)
    for each in recount.told:
        if each.fact in SAYS_OF_THE_ROOM:
            said.setdefault(each.key, []).append(each)
    return [_room(key, stays.get(key, []), said.get(key, []), now) for key in stays.keys() | said.keys()]


def _room(key: Key, stays: list[StayTold], said: list[Told], now: int) -> Row:
    activity = [each.at for stay in stays for each in stay.told] + [each.at for each in said]
    fates = [each for each in said if each.fact in ("room_created", "room_deleted")]
    creations = [each.at for each in fates if each.fact == "room_created"]
    return {
        "room_kind": key[0],
        "room_id": key[1],
        "created_at": creations[-1] if creations else None,
        "first_activity_at": min(activity),
        "last_activity_at": max(activity),
        "sessions": len(stays),
        "peak_sessions": _peak(stays, now),
        "two_way_ms": sum(stay.spent(("sendrecv",)) for stay in stays),
        "deleted_at": fates[-1].at if fates and fates[-1].fact == "room_deleted" else None,
    }


def _peak(stays: list[StayTold], now: int) -> int:
    """Return the most stays at one moment; it is always one at which somebody came."""
    moments = {stay.opened_at for stay in stays}
    spans = [(stay.opened_at, stay.ends_by(now)) for stay in stays]
    return max(
        (len([0 for start, end in spans if start <= at and (end is None or at < end)]) for at in moments), default=0
    )


def counted(rows: list[Row]) -> Counter[str]:
    """Return rows as what can be compared in any order."""
    return Counter(repr(sorted(row.items())) for row in rows)
