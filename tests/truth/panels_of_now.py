"""The panels that show who is there now. Source: docs/metrics.md, "Rooms now", "Playback and streams"."""

from tests.truth.plain_judgement import STATES
from tests.truth.plain_stays import StayTold
from tests.truth.question import Question, Row
from tests.truth.recount import Recount
from tests.truth.views_of_stays import live_rooms, live_sessions

KINDS = {"in_calls": "call", "in_accounts": "account", "in_streams": "stream"}


def _of_kind(stays: list[StayTold], room_kind: str) -> list[StayTold]:
    return [stay for stay in stays if stay.opening.room_kind == room_kind]


def rooms_live(recount: Recount, asked: Question) -> list[Row]:
    keys = {stay.opening.key for stay in recount.live(asked.now)}
    kinds = [room_kind for room_kind, _ in keys]
    return [
        {
            "rooms": len(keys),
            "calls": kinds.count("call"),
            "accounts": kinds.count("account"),
            "streams": kinds.count("stream"),
        }
    ]


def sessions_live(recount: Recount, asked: Question) -> list[Row]:
    stays = asked.live(recount)
    return [{"sessions": len(stays)} | {name: len(_of_kind(stays, kind)) for name, kind in KINDS.items()}]


def states_now(recount: Recount, asked: Question) -> list[Row]:
    states = [stay.state if stay.state in STATES else "other" for stay in asked.live(recount)]
    return [{"state": state, "sessions": states.count(state)} for state in [*STATES, "other"]]


def rooms_table(recount: Recount, asked: Question) -> list[Row]:
    rows = [row for row in live_rooms(recount, asked.now) if _is_asked(row, asked)]
    rows.sort(key=lambda row: (-row["sessions"], _kind_place(row), row["room_id"].encode()))
    return rows[: asked.limit]


def room_sessions(recount: Recount, asked: Question) -> list[Row]:
    rows = [row for row in live_sessions(recount, asked.now) if _is_asked(row, asked)]
    rows.sort(key=lambda row: (_kind_place(row), row["room_id"].encode(), row["opened_at"], row["session_id"].encode()))
    return [{name: value for name, value in row.items() if name != "protocol"} for row in rows[: asked.limit]]


def _is_asked(row: Row, asked: Question) -> bool:
    return asked.room_kind in ("", row["room_kind"]) and asked.room in ("", row["room_id"])


def _kind_place(row: Row) -> int:
    return ["call", "account", "stream"].index(row["room_kind"])


def stuck_sessions(recount: Recount, asked: Question) -> list[Row]:
    """Return those in starting or cleanup; how long depends on when the store looked, so it is left to the test."""
    rows = [row for row in live_sessions(recount, asked.now) if _is_asked(row, asked)]
    rows = [row for row in rows if asked.user_agent in ("", row["user_agent"])]
    rows = [row for row in rows if row["state"] in ("starting", "cleanup")]
    rows.sort(key=lambda r: (r["state_since"], _kind_place(r), r["room_id"].encode(), r["session_id"].encode()))
    names = [
        "room_kind",
        "room_id",
        "session_id",
        "state",
        "state_since",
        "connections",
        "send_streams",
        "recv_streams",
        "last_seen_at",
        "user_agent",
    ]
    return [
        {name: row[name] for name in names} | {"stuck_ms": asked.now - row["state_since"]}
        for row in rows[: asked.limit]
    ]


def playback_live(recount: Recount, asked: Question) -> list[Row]:
    groups: dict[tuple[str, str], list[StayTold]] = {}
    for stay in _of_kind(recount.live(asked.now), "account"):
        groups.setdefault((stay.any_said("device_type"), stay.any_said("service")), []).append(stay)
    rows = [
        {
            "device_type": device_type,
            "service": service,
            "sessions": len(stays),
            "accounts": len({stay.opening.room_id for stay in stays}),
        }
        for (device_type, service), stays in groups.items()
    ]
    return sorted(rows, key=lambda row: (-int(str(row["sessions"])), row["device_type"], row["service"]))


def _watching(recount: Recount, asked: Question, room: str) -> list[StayTold]:
    return [stay for stay in _of_kind(recount.live(asked.now), "stream") if stay.opening.room_id == room]


def subscribers(recount: Recount, asked: Question) -> list[Row]:
    rooms = {stay.opening.room_id for stay in _of_kind(recount.live(asked.now), "stream")}
    rows: list[Row] = []
    for room in rooms:
        stays = _watching(recount, asked, room)
        rows.append(
            {
                "room_id": room,
                "subscribers": len(stays),
                "first_opened_at": min(stay.opened_at for stay in stays),
                "bytes_recv": sum(stay.most("bytes_recv") for stay in stays) % 2**64,
            }
        )
    return _most_watched([row for row in rows if asked.room in ("", row["room_id"])], asked)


def streams_live(recount: Recount, asked: Question) -> list[Row]:
    rows: list[Row] = []
    for (room_kind, room_id), room in recount.rooms.items():
        on_air = room.publication
        if room_kind != "stream" or on_air is None or 0 < on_air.lease_end <= asked.now:
            continue
        if asked.room in ("", room_id):
            rows.append(
                {
                    "room_id": room_id,
                    "node": on_air.node,
                    "region": on_air.region,
                    "started_at": on_air.started_at,
                    "publication_ends_at": on_air.lease_end or None,
                    "subscribers": len(_watching(recount, asked, room_id)),
                }
            )
    return _most_watched(rows, asked)


def _most_watched(rows: list[Row], asked: Question) -> list[Row]:
    return sorted(rows, key=lambda row: (-row["subscribers"], row["room_id"].encode()))[: asked.limit]


def room_as_of(recount: Recount, asked: Question) -> list[Row]:
    """Return who was in a room at a moment; a stay that nobody closed ended with its lease or its last fact."""
    found = []
    for stay in recount.stays:
        told = [each for each in stay.told if each.at <= asked.at and each.moved]
        last_at = max(each.at for each in stay.told)
        ends_at = stay.closed_at if stay.closed_at is not None else stay.lease_end and max(stay.lease_end, last_at)
        is_there = stay.opened_at <= asked.at and (ends_at is None or ends_at > asked.at)
        if is_there and asked.room_kind in ("", stay.opening.room_kind) and stay.opening.room_id == asked.room:
            found.append((stay, told, ends_at))
    found.sort(key=lambda each: (each[0].opened_at, each[0].opening.session_id.encode()))
    return [
        {
            "room_kind": stay.opening.room_kind,
            "room_id": stay.opening.room_id,
            "session_id": stay.opening.session_id,
            "user_id": stay.opening.user_id,
            "state": told[-1].now.state,
            "state_since": [each.at for each in told if each.changes_state][-1],
            "connections": told[-1].now.connections,
            "send_streams": told[-1].now.send_streams,
            "recv_streams": told[-1].now.recv_streams,
            "opened_at": stay.opened_at,
            "ends_at": ends_at,
            "close_reason": stay.close_reason,
        }
        for stay, told, ends_at in found
    ]
