"""The rules in words: what each verdict, each refusal and each ending means, for whoever has never seen the diagram.

The one place of these texts: the session's story, the live page and the documents show them as they stand here. They
belong to `RULE_VERSION`; a fact that was judged by another version is not explained by them.
Source: design sections 4 and 5; the deciders of this package, whose reasons a test holds against this book.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One rule: how it is called, and what it says."""

    name: str
    text: str


STATE_MEANINGS: Final[Mapping[str, str]] = {
    "init": "not connected",
    "waiting": "connected, alone, no media",
    "starting": "connected with somebody else, no media yet",
    "sending": "sends media, receives none",
    "receiving": "receives media, sends none",
    "sendrecv": "sends and receives media: a two-way call",
    "cleanup": "media ended, connections still being taken down",
}

FAMILY_MEANINGS: Final[Mapping[str, str]] = {
    "connection_created": "says that somebody connected: one connection more",
    "connection_destroyed": "says that a connection went away: one connection less",
    "recv_created": "says that a stream of somebody else arrived: one receive stream more",
    "recv_destroyed": "says that a stream of somebody else ended: one receive stream less",
    "send_created": "says that an own stream began: one send stream more",
    "send_destroyed": "says that an own stream ended: one send stream less",
    "notice": "is news that changes no counter",
}

_VERDICT_RULES: Final[Mapping[str, str]] = {
    "duplicate": "This session sent a status with the same id before. It is kept and counted; nothing moves.",
    "late": "Its sequence number is not above the highest one that was seen in this stay: it was overtaken on its way."
    " It is kept; nothing moves.",
    "after_close": "The session had left, had expired, was ended by somebody else, or was never opened. The status is"
    " kept; nothing moves.",
    "violation unknown_state": "The declared state is none of the seven. The status is kept; nothing moves.",
    "diagram": "The state diagram has an edge for this event from the state before to the declared one, and the"
    " counters moved as the event says. The session moves along it.",
    "exceptional": "A connection went away in the middle of a call: the diagram's exceptional edge to waiting. The"
    " counters moved as the event says. The session moves along it.",
    "steady": "The state stays and the counters moved as the event says: a third participant, a screen share. The"
    " counters move.",
    "notice": "The event is news: it changes no counter, and neither state nor counters changed.",
    "restart": "A connection was created with counters 1/0/0 although the session had others: the client began again"
    " without closing. The session goes on from there.",
    "teardown": "All counters are 0, with an event that changes none: the client took its call down at once and says"
    " why. The session goes on from there.",
    "implied": "The diagram has no edge there, but the counters moved as the event says and the declared state is what"
    " they mean: real clients do this, for instance when they publish before anybody else has come. The session moves.",
    "violation counter_jump": "The counters did not move as the event says, but the declared state is what they mean:"
    " something was lost or not told. The session goes on from what was declared.",
    "violation state_disagrees": "The declared state contradicts the counters declared with it. The status is kept;"
    " nothing moves.",
}
"""By verdict, violations with their reason, in the order of precedence."""

_ENDED: Final[Mapping[str, str]] = {
    "left": "its client had left",
    "expired": "its lease was over",
    "killed": "an operator had ended it",
    "replaced": "another session had taken its place",
    "room_deleted": "its room had been deleted",
    "unknown_session": "nobody of that name was inside, now or lately",
}

_FACT_RULES: Final[Mapping[tuple[str, str], str]] = {
    ("session_opened", ""): "An opening was let in. The stay begins as init 0/0/0 and is held by a lease.",
    ("session_opened", "implicit"): "A status of a session that nobody had opened opens it. Each of its statuses but"
    " duplicates extends the lease.",
    ("session_refreshed", ""): "A live session's lease begins anew.",
    ("session_refreshed", "rejoined"): "A live session was opened again: it goes on, and its lease begins anew.",
    ("session_closed", "left"): "Its client closed the session.",
    ("session_closed", "expired"): "The lease ended and had not been renewed, or the room's own time was over. The stay"
    " ends at that moment, however much later it was found.",
    ("session_closed", "killed"): "Somebody with the right to do so ended the session.",
    ("session_closed", "replaced"): "It gave way to an opening: of the same user in a call, or one that asked for its"
    " place in an account.",
    ("session_closed", "room_deleted"): "The room was deleted, which ends every stay in it.",
    ("open_refused", "room_deleted"): "The room was deleted; nobody gets in until it is created again.",
    ("open_refused", "room_expired"): "The room's time is over; nobody gets in until it is created again.",
    (
        "open_refused",
        "room_full",
    ): "Every seat is taken: the smallest number that the room or anybody inside has set, one"
    " seat being kept for an owner who is away.",
    ("open_refused", "client_capacity"): "The client said that it can't handle as many as are inside.",
    ("open_refused", "other_device_type"): "The session is live on another type of device.",
    ("open_refused", "playback_limit"): "As many sessions of this device type play on the account as its limit allows.",
    ("open_refused", "killed"): "An operator ended this session; it can't come back until its lease would have ended.",
    ("open_refused", "replaced"): "Another session took this one's place; it can't come back until its lease would have"
    " ended.",
    ("room_created", ""): "The room was created, or created again after it was deleted or had ended.",
    ("room_updated", ""): "What is known of the room changed.",
    ("room_deleted", ""): "The room was deleted, and every stay in it ended.",
    ("stream_published", ""): "The stream is live from now on, held by a lease of its own.",
    (
        "stream_published",
        "renewed",
    ): "The stream was live already: its publication's lease begins anew, its start stays.",
    ("stream_unpublished", "left"): "The publisher ended the stream. Whoever watches stays until their own end.",
    ("stream_unpublished", "expired"): "The publication's lease ended and had not been renewed.",
    ("stream_unpublished", "cleared"): "An administrator took the stream out of the directory.",
    ("domains_logged", ""): "Which domains the session visited was noted. Nothing else changes.",
    ("user_registered", ""): "A user was registered.",
    ("ignored", "duplicate"): "A command with the same id was answered before, and the same answer was given again.",
    ("ignored", "lease_renewed"): "There was nothing to expire: the lease had been renewed.",
    ("ignored", "already_closed"): "There was nothing to expire: the session had been closed.",
    ("ignored", "not_published"): "The stream was not published.",
    ("ignored", "not_a_stream"): "Only rooms of kind stream are published.",
    ("ignored", "room_exists"): "The room existed already.",
    ("ignored", "unknown_room"): "The room was not created, or was deleted, or had ended.",
    ("ignored", "unknown_kind"): "This version knows no input of that kind.",
    **{("refresh_refused", why): f"There was no lease to renew: {text}." for why, text in _ENDED.items()},
    **{("close_refused", why): f"There was nothing to close: {text}." for why, text in _ENDED.items()},
    **{("ignored", why): f"The session was not live: {text}." for why, text in _ENDED.items()},
    **{
        ("dead_letter", why): f"The line of the log is no input: {text}. Its bytes are kept."
        for why, text in {
            "not_an_input": "it is no JSON object with what an input needs",
            "unknown_kind": "its kind is not known",
            "unknown_room_kind": "its kind of room is not known",
            "out_of_range": "a time, a counter or a size is negative or too large",
            "oversized": "it is larger than an input may be",
            "wrong_partition": "its room belongs to another partition",
            "unknown_schema": "its frame was written in a form that this program does not read",
        }.items()
    },
}
"""By the fact's name and its reason."""


def rule_of(fact: str, verdict: str, reason: str) -> Rule:
    """Return the rule behind a fact; its text is empty if this book does not know it."""
    if fact != "status_judged":
        return Rule(f"{fact} {reason}".strip(), _FACT_RULES.get((fact, reason), ""))
    name = f"{verdict} {reason}".strip() if verdict == "violation" else verdict
    return Rule(name, _VERDICT_RULES.get(name, ""))


def ended_how(reason: str) -> str:
    """Return in words why a session was not live; empty if the reason is not known."""
    return _ENDED.get(reason, "")


def verdict_rules() -> list[Rule]:
    """Return the rules of statuses, in their order of precedence."""
    return [Rule(name, text) for name, text in _VERDICT_RULES.items()]


def fact_rules() -> list[Rule]:
    """Return the rules of everything else that is decided."""
    return [rule_of(fact, "", reason) for fact, reason in _FACT_RULES]
