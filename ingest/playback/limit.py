"""403: playback must not start. The reason in words, with what of the same account is in the way.

Source: contract 1.5; decisions 8.1 and 8.5.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from ingest.playback.replies import PlaybackRefusal, error
from storage.playing import Playing

_ENDINGS = {
    "killed": ("Session ended", "An operator ended this session."),
    "replaced": ("Session replaced", "Another device of this account took the place of this session."),
}


def limit_reached(
    occurrence: int, device_type: str, conflicts: Sequence[str], playing: Sequence[Playing]
) -> PlaybackRefusal:
    """Return the refusal at the limit; `playing` may be empty if nothing is known but the ids.

    Shape: beside the contract's four members, `sessions` has the ids of all that are in the way, oldest first.
    """
    in_the_way = [each for each in playing if each.session in conflicts]
    group = f"of device type {device_type}" if device_type else "without a device type"
    text = f"The maximum of {len(conflicts)} sessions {group} is reached."
    if in_the_way:
        text += f" Playing: {'; '.join(map(_told, in_the_way))}."
    text += " Stop one of them, or ask again with ?replace=oldest or ?replace= and its id."
    return error(403, "limit", "Too many sessions", text, occurrence, sessions=list(conflicts))


def ended_by_others(occurrence: int, reason: str) -> PlaybackRefusal:
    """Return the refusal of a session that was killed or replaced, for as long as its lease would have lasted."""
    title, text = _ENDINGS[reason]
    return error(403, reason, title, f"{text} Stop playing it.", occurrence)


def _told(session: Playing) -> str:
    since = datetime.fromtimestamp(session.started_at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    where = session.user_agent or session.device_type or "an unnamed device"
    address = f" at {session.client_ip}" if session.client_ip else ""
    return f"{session.service or 'something'} on {where}{address} since {since} ({session.session})"
