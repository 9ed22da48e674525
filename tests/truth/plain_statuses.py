"""A status and what its session was before it, the plain way. Source: design section 4 with its settled details."""

from tests.truth.plain_judgement import COUNTERS_MAX, judged, told_by
from tests.truth.plain_openings import CALL_LEASE_MS, new_stay
from tests.truth.plain_room import PlainRoom, PlainStay
from tests.truth.told import Line, Snapshot, Told


def status_judged(room: PlainRoom, line: Line) -> list[Told]:
    """Return the facts of a status, the judgement last."""
    stay = room.remembered(line)
    now = Snapshot(
        line.text("state"),
        *(min(line.number(name), COUNTERS_MAX) for name in ("connections", "send_streams", "recv_streams")),
    )
    if stay is not None:
        return [_of_stay(stay, line, now)]
    if line.members.get("implicit", True):
        opened = new_stay(room, line, CALL_LEASE_MS, "implicit")
        return [opened, _of_stay(room.stays[-1], line, now)]
    told = Told("status_judged", line.received, line.text("session"), line.text("user"), now=now)
    told.family, told.verdict, told.reason = told_by(line.text("event"))[0], "after_close", "unknown_session"
    return [told]


def _of_stay(stay: PlainStay, line: Line, now: Snapshot) -> Told:
    told = Told("status_judged", max(line.received, stay.last_at), stay.session, stay.user, stay.opened_at, now)
    told.before, told.since, told.family = stay.snapshot, stay.since, told_by(line.text("event"))[0]
    told.verdict, told.reason, told.moved = _verdict(stay, line, now)
    if told.verdict != "duplicate":
        if line.text("id"):
            stay.ids.append(line.text("id"))
        if stay.is_implicit and stay.closed_at is None:
            stay.lease_end = told.lease_ends_at = line.received + CALL_LEASE_MS
        stay.highest_seq = max(stay.highest_seq, line.number("seq"))
    stay.last_at = told.at
    if told.moved:
        if now.state != stay.snapshot.state:
            stay.since = told.at
        stay.snapshot = now
    return told


def _verdict(stay: PlainStay, line: Line, now: Snapshot) -> tuple[str, str, bool]:
    if line.text("id") and line.text("id") in stay.ids[-32:]:
        return "duplicate", "", False
    if line.number("seq") and line.number("seq") <= stay.highest_seq:
        return "late", "", False
    if stay.closed_at is not None:
        return "after_close", stay.why, False
    return judged(stay.snapshot, line.text("event"), now)
