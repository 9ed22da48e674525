"""A fact in words: what happened, and which rule judged it.

Source: design section 4 (the verdicts, in their order of precedence) and section 5 (the facts).
"""

from collections.abc import Mapping
from typing import Any, Final

VERDICT_RULES: Final[Mapping[str, str]] = {
    "duplicate": "the same input id was seen in this session before; nothing moves",
    "late": "its sequence number is not above the highest one seen; nothing moves",
    "after_close": "the session had left, expired or been killed, or was never opened; nothing moves",
    "diagram": "an edge of the state diagram, and the counters moved as the event says",
    "exceptional": "the diagram's exceptional edge (a connection went away mid-call), counters moved as the event says",
    "steady": "the state stays, and the counters moved as the event says",
    "notice": "the event changes neither state nor counters",
    "restart": "a connection was created with counters 1/0/0 although the session had more: the client began again",
    "teardown": "all counters are 0 with a notice: the client tore its call down and says why",
    "implied": "no edge of the diagram, but the counters moved as the event says and the state agrees with them",
}
"""By verdict; violations are told apart by their reason."""

VIOLATION_RULES: Final[Mapping[str, str]] = {
    "unknown_state": "the declared state is none of the seven; nothing moves",
    "counter_jump": "the counters did not move as the event says, but the state agrees with them: the session"
    " continues from the declared snapshot",
    "state_disagrees": "the declared state contradicts the declared counters; nothing moves",
}
"""By reason."""

_WORDS: Final[Mapping[str, str]] = {
    "session_opened": "the session opened",
    "session_refreshed": "the lease was renewed",
    "session_closed": "the session closed",
    "open_refused": "the opening was refused",
    "refresh_refused": "the renewal was refused",
    "close_refused": "the closing was refused",
    "domains_logged": "domains were logged",
    "ignored": "nothing was to be done",
}


def rule_of(fact: Mapping[str, Any]) -> str:
    """Return the rule behind the fact's verdict; empty if it has none."""
    if fact["verdict"] == "violation":
        return VIOLATION_RULES.get(fact["reason"], "")
    return VERDICT_RULES.get(fact["verdict"], "")


def words_of(fact: Mapping[str, Any]) -> str:
    """Return one sentence about the fact.

    Shape: `fact` has the columns of `room_events`.
    """
    if fact["fact"] != "status_judged":
        reason = f" ({fact['reason']})" if fact["reason"] else ""
        return f"{_WORDS.get(fact['fact'], fact['fact'].replace('_', ' '))}{reason}"
    before = _snapshot(fact, "prev_")
    after = _snapshot(fact, "")
    verdict = f"{fact['verdict']} {fact['reason']}".strip()
    if not fact["moved"]:
        return f"{fact['event']}: claims {after}, stays {before}: {verdict}"
    return f"{fact['event']}: {before} → {after}: {verdict}"


def _snapshot(fact: Mapping[str, Any], prefix: str) -> str:
    counters = "/".join(str(fact[prefix + name]) for name in ("connections", "send_streams", "recv_streams"))
    return f"{fact[prefix + 'state']} {counters}"
