"""Openings, the plain way: who is let in, who gives way, and who goes on.

Source: design section 5; contracts 1.5 (a limit per device type), 2.5 (seats) and 8.5 (barred sessions).
"""

from tests.truth.plain_room import PlainRoom, PlainStay
from tests.truth.told import Line, Snapshot, Told

CALL_LEASE_MS = 300_000
ACCOUNT_LEASE_MS = 7_200_000
PLAYBACK_LIMIT = 2


def new_stay(room: PlainRoom, line: Line, lease_ms: int, reason: str = "") -> Told:
    """Open a stay; it opens after whatever an earlier stay of the session has."""
    earlier = room.last_stay(line.text("session"))
    at = line.received if earlier is None else max(line.received, earlier.last_at + 1)
    lease_end = line.received + lease_ms if lease_ms else 0
    stay = PlainStay(line.text("session"), line.text("user"), at, at, lease_ms, lease_end, since=at)
    stay.is_implicit = reason == "implicit"
    if not stay.is_implicit:
        stay.device_type, stay.can_handle = line.text("device_type"), line.number("client_max_size")
        room.uses.append(at)
    room.stays.append(stay)
    told = Told("session_opened", at, stay.session, stay.user, at, Snapshot("init"), since=at, moved=True)
    told.lease_ends_at, told.reason = lease_end, reason
    return told


def begun(room: PlainRoom, stay: PlainStay, line: Line, reason: str) -> Told:
    """Begin a live stay's lease anew."""
    stay.lease_end = line.received + stay.lease_ms if stay.lease_ms else 0
    told = room.of(stay, "session_refreshed", line.received, reason)
    told.lease_ends_at = stay.lease_end
    room.uses.append(told.at)
    return told


def open_answered(room: PlainRoom, line: Line) -> list[Told]:
    """Return the facts of an explicit opening."""
    if room.is_deleted:
        return [_refused(line, "room_deleted")]
    if room.is_over(line):
        return [_refused(line, "room_expired")]
    stay = room.live_stay(line.text("session"))
    if stay is not None:
        return [_again(room, line, stay)]
    earlier = room.last_stay(line.text("session"))
    if earlier is not None and room.barred_until(earlier, line) > line.received:
        return [_refused(line, earlier.why)]
    leaving = _giving_way(room, line)
    reason = _why_not(room, line, leaving)
    if reason:
        return [_refused(line, reason)]
    own_ms = {"call": CALL_LEASE_MS, "account": ACCOUNT_LEASE_MS, "stream": 0}[line.room_kind]
    closings = [room.close(other, line.received, "replaced") for other in leaving]
    return [*closings, new_stay(room, line, line.number("lease_ms") or own_ms)]


def _refused(line: Line, reason: str) -> Told:
    return Told("open_refused", line.received, line.text("session"), line.text("user"), reason=reason)


def _again(room: PlainRoom, line: Line, stay: PlainStay) -> Told:
    size, device_type = line.number("client_max_size"), line.text("device_type")
    if line.room_kind == "call" and size != 0 and size <= len(_others(room, line)):
        return _refused(line, "client_capacity")
    if line.room_kind == "account" and device_type and device_type != stay.device_type:
        return _refused(line, "other_device_type")
    stay.can_handle = size or stay.can_handle
    return begun(room, stay, line, "rejoined")


def _others(room: PlainRoom, line: Line) -> list[PlainStay]:
    """Return who is inside and neither this session nor this user."""
    user = line.text("user")
    return [stay for stay in room.inside() if stay.session != line.text("session") and not (user and stay.user == user)]


def _why_not(room: PlainRoom, line: Line, leaving: list[PlainStay]) -> str:
    if line.room_kind == "stream":
        return ""
    if line.room_kind == "account":
        playing = [stay for stay in _rivals(room, line) if stay not in leaving]
        return "playback_limit" if len(playing) >= PLAYBACK_LIMIT else ""
    others = _others(room, line)
    bounds = [size for size in [room.seats, *(other.can_handle for other in others)] if size > 0]
    users = [line.text("user"), *(stay.user for stay in room.inside())]
    kept_seats = 1 if room.owner and room.owner not in users else 0
    if bounds and len(others) + kept_seats >= min(bounds):
        return "room_full"
    size = line.number("client_max_size")
    return "client_capacity" if size != 0 and size <= len(others) else ""


def _rivals(room: PlainRoom, line: Line) -> list[PlainStay]:
    return [stay for stay in room.inside() if stay.device_type == line.text("device_type")]


def _giving_way(room: PlainRoom, line: Line) -> list[PlainStay]:
    user, wanted = line.text("user"), line.text("replace")
    if line.room_kind == "call":
        return [stay for stay in room.inside() if user and stay.user == user]
    if line.room_kind == "stream" or not wanted:
        return []
    if wanted == "oldest":
        rivals = _rivals(room, line)
        return rivals[: max(0, len(rivals) + 1 - PLAYBACK_LIMIT)]
    return [stay for stay in room.inside() if stay.session == wanted != line.text("session")]
