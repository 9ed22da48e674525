"""Every input of a room answered in turn, the plain way: leases that are over first, then what the input asks.

Source: design sections 4 and 5; contracts 1.5, 2.5 and 5 for admission, replacing and publishing.
"""

from collections.abc import Callable

from tests.truth.plain_openings import begun, open_answered
from tests.truth.plain_room import PlainRoom, Publication
from tests.truth.plain_statuses import status_judged
from tests.truth.told import Line, Told


def ignored(line: Line, reason: str, fact: str = "ignored") -> Told:
    return Told(fact, line.received, line.text("session"), line.text("user"), reason=reason)


def answered(room: PlainRoom, line: Line) -> list[Told]:
    """Return what follows from the line, the answer last, and remember it in the room."""
    found = _over(room, line)
    if line.kind == "status":
        told = [*found, *status_judged(room, line)]
    elif line.text("id") and line.text("id") in room.answered[-128:]:
        told = [*found, ignored(line, "duplicate")]
    else:
        told = _command(room, line, found)
        if line.text("id"):
            room.answered.append(line.text("id"))
    for number, each in enumerate(told[:-1], 1):
        each.fact_index = number
    for each in told:
        each.line = line
        each.speaks = each is told[-1] or each.session_id == line.text("session")
    return told


def _over(room: PlainRoom, line: Line) -> list[Told]:
    """Close what has expired, dated at the lease's end."""
    over = [stay for stay in room.inside() if 0 < stay.lease_end <= line.received]
    found = [room.close(stay, stay.lease_end, "expired") for stay in over]
    on_air = room.publication
    if on_air is not None and 0 < on_air.lease_end <= line.received:
        found.append(_off_air(room, on_air, on_air.lease_end, "expired"))
    return found


def _command(room: PlainRoom, line: Line, found: list[Told]) -> list[Told]:
    if line.kind == "expire":
        asked = [told for told in found if told.session_id == line.text("session")]
        if asked:
            return [told for told in found if told is not asked[0]] + asked[:1]
    elif room.is_over(line):
        end = room.end(line.room_kind)
        found = found + [room.close(stay, end, "expired") for stay in room.inside()]
    return found + _ANSWERS[line.kind](room, line)


def _refused(room: PlainRoom, line: Line, fact: str) -> list[Told]:
    stay = room.remembered(line)
    if stay is None:
        return [ignored(line, "unknown_session", fact)]
    return [room.of(stay, fact, line.received, stay.why)]


def _refresh(room: PlainRoom, line: Line) -> list[Told]:
    stay = room.live_stay(line.text("session"))
    return [begun(room, stay, line, "")] if stay else _refused(room, line, "refresh_refused")


def _close(room: PlainRoom, line: Line) -> list[Told]:
    stay = room.live_stay(line.text("session"))
    return [room.close(stay, line.received, "left")] if stay else _refused(room, line, "close_refused")


def _kill(room: PlainRoom, line: Line) -> list[Told]:
    named = room.live_stay(line.text("session"))
    stays = ([named] if named else []) if line.text("session") else room.inside()
    if not stays:
        return _refused(room, line, "close_refused")
    first = room.close(stays[0], line.received, "killed")
    return [*(room.close(stay, line.received, "killed") for stay in stays[1:]), first]


def _expire(room: PlainRoom, line: Line) -> list[Told]:
    if not line.text("session") and room.publication is not None:
        return [ignored(line, "lease_renewed")]
    stay = room.remembered(line)
    if stay is None:
        nothing_on_air = line.room_kind == "stream" and not line.text("session")
        return [ignored(line, "not_published" if nothing_on_air else "unknown_session")]
    return [room.of(stay, "ignored", line.received, "lease_renewed" if stay.closed_at is None else "already_closed")]


def _domains(room: PlainRoom, line: Line) -> list[Told]:
    stay = room.remembered(line)
    if stay is None:
        return [ignored(line, "unknown_session")]
    if stay.closed_at is not None:
        return [room.of(stay, "ignored", line.received, stay.why)]
    return [room.of(stay, "domains_logged", line.received)]


def _say(room: PlainRoom, line: Line, fact: str) -> list[Told]:
    room.said_at = line.received
    return [Told(fact, line.received, user_id=line.text("user"))]


def _create(room: PlainRoom, line: Line) -> list[Told]:
    if room.exists(line):
        return [ignored(line, "room_exists")]
    room.was_created, room.is_deleted, room.owner = True, False, line.text("user")
    room.seats, room.given_end = line.number("max_size"), line.number("expires_at_ms")
    return _say(room, line, "room_created")


def _update(room: PlainRoom, line: Line) -> list[Told]:
    if not room.exists(line):
        return [ignored(line, "unknown_room")]
    room.seats = line.number("max_size") or room.seats
    room.given_end = line.number("expires_at_ms") or room.given_end
    return _say(room, line, "room_updated")


def _delete(room: PlainRoom, line: Line) -> list[Told]:
    if not room.exists(line):
        return [ignored(line, "unknown_room")]
    room.is_deleted = True
    closings = [room.close(stay, line.received, "room_deleted") for stay in room.inside()]
    return [*closings, Told("room_deleted", line.received, user_id=line.text("user"))]


def _off_air(room: PlainRoom, on_air: Publication, at: int, reason: str) -> Told:
    room.publication = None
    return Told("stream_unpublished", max(at, on_air.last_at), reason=reason)


def _publish(room: PlainRoom, line: Line) -> list[Told]:
    if line.room_kind != "stream":
        return [ignored(line, "not_a_stream")]
    on_air, said = room.publication, line.extra
    lease_end = line.received + line.number("lease_ms") if line.number("lease_ms") else 0
    if said.get("node"):
        node, region = said["node"], said.get("region", "")
    elif on_air is not None:
        node, region = on_air.node, on_air.region
    else:
        node, region = said.get("offered_node", ""), said.get("offered_region") or said.get("region", "")
    started_at, last_at = (on_air.started_at, on_air.last_at) if on_air else (line.received, 0)
    at = max(line.received, last_at)
    room.publication = Publication(node, region, started_at, at, lease_end)
    reason = "renewed" if on_air else ""
    return [Told("stream_published", at, user_id=line.text("user"), reason=reason)]


def _unpublish(room: PlainRoom, line: Line) -> list[Told]:
    if line.room_kind != "stream":
        return [ignored(line, "not_a_stream")]
    if room.publication is None:
        return [ignored(line, "not_published")]
    why = "cleared" if line.text("reason") == "cleared" else "left"
    told = _off_air(room, room.publication, line.received, why)
    told.user_id = line.text("user")
    return [told]


def _register(_room: PlainRoom, line: Line) -> list[Told]:
    return [Told("user_registered", line.received, user_id=line.text("user"))]


_ANSWERS: dict[str, Callable[[PlainRoom, Line], list[Told]]] = {
    "open": open_answered,
    "refresh": _refresh,
    "close": _close,
    "kill": _kill,
    "expire": _expire,
    "room_create": _create,
    "room_update": _update,
    "room_delete": _delete,
    "publish": _publish,
    "unpublish": _unpublish,
    "log_domains": _domains,
    "register": _register,
}
