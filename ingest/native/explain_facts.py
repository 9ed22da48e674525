"""Every other fact in words: openings, leases, endings, refusals, rooms, publications.

Shape: `fact` has the columns of `room_events`, what its input did beside it (`same_input`), and, in a session's story,
what was `known` before it. What an operator erased from a row is left out of its sentence.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ingest.native.shown import shown, shown_length, shown_names, shown_time
from state_machine.rulebook import ended_how

Fact = Mapping[str, Any]

NEVER: Final = datetime.fromtimestamp(0, UTC)
"""What a time column holds that has no value."""


def fact_words(fact: Fact) -> str:
    """Return the sentence about a fact that is no judged status."""
    tell = _WORDS.get(fact["fact"])
    return tell(fact) if tell else f"{fact['fact'].replace('_', ' ')}{_reason(fact)}"


def _opened(fact: Fact) -> str:
    how = "by its first status, because nobody had opened it" if fact["reason"] == "implicit" else ""
    gone = [each["session_id"] for each in fact["same_input"]["told"] if each["reason"] == "replaced"]
    instead = f", in the place of {shown_names(gone)}" if gone else ""
    return " ".join(f"the session opened {how}".split()) + f"{instead}; {_lease(fact)}"


def _refreshed(fact: Fact) -> str:
    begun = "opened again while it was live, so it goes on" if fact["reason"] == "rejoined" else "the lease was renewed"
    return f"{begun}; {_lease(fact)}"


def _lease(fact: Fact) -> str:
    ends_at = fact["lease_ends_at"]
    if ends_at == NEVER:
        return "it needs no renewal"
    return f"its lease lasts until {shown_time(ends_at)} ({shown_length(ends_at - fact['received_at'])})"


def _closed(fact: Fact) -> str:
    stayed = f"after {shown_length(fact['at'] - fact['opened_at'])}, in state {shown(fact['prev_state'])}"
    return f"the session closed {stayed}: {_why_closed(fact)}"


def _why_closed(fact: Fact) -> str:
    match fact["reason"]:
        case "expired":
            return _why_expired(fact)
        case "killed":
            others = sum(each["fact"] == "session_closed" for each in fact["same_input"]["told"])
            return f"killed {_by(fact)}" + (" with others of the room" if others else "")
        case "replaced":
            answer = _answer(fact)
            return f"{shown(answer['session_id'])} opened in its place" if answer else "another session opened instead"
        case "room_deleted":
            return "its room was deleted"
        case "left":
            return "its client left"
    return shown(fact["reason"])


def _why_expired(fact: Fact) -> str:
    lease_ends_at = fact.get("known", {}).get("lease_ends_at")
    if lease_ends_at is None or lease_ends_at > fact["received_at"]:
        return f"the room's own time was over at {shown_time(fact['at'])}"
    answer = _answer(fact)
    found = f"; found by the {answer['kind']} of {shown(answer['session_id']) or 'the room'}" if answer else ""
    return f"its lease ended at {shown_time(lease_ends_at)} and had not been renewed{found}"


def _by(fact: Fact) -> str:
    """Return whom a kill names as its sender, as far as it names anybody."""
    said = fact["extra"].get("input", {})
    by = said.get("by") if isinstance(said, dict) else None
    return f"by {shown(by)}" if isinstance(by, str) and by else "by an input that does not say for whom"


def _answer(fact: Fact) -> Mapping[str, Any] | None:
    """Return the fact that answers the same input, if this one is a consequence of it."""
    if fact["fact_index"] == 0:
        return None
    return next((each for each in fact["same_input"]["told"] if each["place"].endswith(".0")), None)


def _refused(fact: Fact) -> str:
    asked = {"open_refused": "opening", "refresh_refused": "renewal", "close_refused": "closing"}[fact["fact"]]
    return f"the {asked} was refused: {_why_refused(fact)}{_barred(fact)}"


def _why_refused(fact: Fact) -> str:
    named = fact["extra"].get("conflicts")
    conflicts = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    inside = shown_names(conflicts)
    match fact["reason"]:
        case "playback_limit":
            device = f" on {shown(fact['device_type'])}" if fact["device_type"] else ""
            return f"{len(conflicts)} sessions play{device} already, as many as the limit allows: {inside}"
        case "room_full":
            return f"every seat is taken; inside are {inside or 'none, but a seat is kept for the owner'}"
        case "client_capacity":
            return f"the client can't handle as many as are inside: {inside}"
        case "other_device_type":
            return "the session is live on another type of device"
        case "room_expired":
            return "the room's time is over"
        case "room_deleted" if fact["fact"] == "open_refused":
            return "the room was deleted"
    return ended_how(fact["reason"]) or shown(fact["reason"])


def _barred(fact: Fact) -> str:
    until_ms = fact["extra"].get("barred_until_ms")
    if not isinstance(until_ms, int):
        return ""
    return f"; it can't come back before {shown_time(datetime.fromtimestamp(until_ms / 1000, UTC))}"


def _room(fact: Fact) -> str:
    done = {"room_created": "created", "room_updated": "changed", "room_deleted": "deleted"}[fact["fact"]]
    ended = fact["same_input"]["facts"]
    closed = f", which ended {ended} {'stay' if ended == 1 else 'stays'}" if done == "deleted" and ended else ""
    return f"the room was {done}{closed}"


def _published(fact: Fact) -> str:
    begun = "the publication was renewed" if fact["reason"] == "renewed" else "the stream is live"
    node = fact["extra"].get("node")
    until_ms = fact["extra"].get("lease_ends_at_ms")
    on = f" on {shown(node)}" if isinstance(node, str) and node else ""
    until = f", until {shown_time(datetime.fromtimestamp(until_ms / 1000, UTC))}" if _is_time(until_ms) else ""
    return f"{begun}{on}{until or ', until it is unpublished'}"


def _unpublished(fact: Fact) -> str:
    how = {
        "left": "its publisher ended it",
        "expired": "its lease ended and had not been renewed",
        "cleared": "an administrator cleared it",
    }
    since_ms = fact["extra"].get("started_at_ms")
    lasted = ""
    if _is_time(since_ms):
        lasted = f" after {shown_length(fact['at'] - datetime.fromtimestamp(since_ms / 1000, UTC))}"
    return f"the stream ended{lasted}: {how.get(fact['reason'], shown(fact['reason']))}"


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def _ignored(fact: Fact) -> str:
    return f"the {shown(fact['kind'])} changed nothing{_reason(fact)}"


def _reason(fact: Fact) -> str:
    return f" ({shown(fact['reason'])})" if fact["reason"] else ""


_WORDS: Final[Mapping[str, Callable[[Fact], str]]] = {
    "session_opened": _opened,
    "session_refreshed": _refreshed,
    "session_closed": _closed,
    "open_refused": _refused,
    "refresh_refused": _refused,
    "close_refused": _refused,
    "room_created": _room,
    "room_updated": _room,
    "room_deleted": _room,
    "stream_published": _published,
    "stream_unpublished": _unpublished,
    "ignored": _ignored,
}
