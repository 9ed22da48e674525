"""A judged status in words: one sentence, and the steps that lead to its verdict.

Shape: `fact` has the columns of `room_events` and what was `known` before it (storage/session_story.py).
"""

from collections.abc import Mapping
from typing import Any

from ingest.native.shown import shown, shown_length, shown_time
from state_machine.facts import Snapshot
from state_machine.judge import state_agrees
from state_machine.reasoning import counters_of, expected_counters, meant_state, reasoning
from state_machine.rulebook import STATE_MEANINGS, ended_how

Fact = Mapping[str, Any]


def snapshot_of(fact: Fact, prefix: str = "") -> Snapshot:
    """Return the declared snapshot; with the prefix `prev_`, the one before."""
    return Snapshot(*(fact[prefix + name] for name in ("state", "connections", "send_streams", "recv_streams")))


def status_words(fact: Fact) -> str:
    """Return the sentence."""
    before, declared = snapshot_of(fact, "prev_"), snapshot_of(fact)
    verdict = f"{fact['verdict']} {fact['reason']}".strip() if fact["verdict"] == "violation" else fact["verdict"]
    why = _why(fact, before, declared)
    if fact["verdict"] == "after_close":
        return f"{_event(fact)}: claims {_told(declared)}; {why}, so {verdict}"
    if not fact["moved"]:
        return f"{_event(fact)}: claims {_told(declared)}; {why}, so {verdict}: stays {_told(before)}"
    way = f"{before.state} → {declared.state}" if before.state != declared.state else f"stays {before.state}"
    return f"{_event(fact)}: {way}: {why}, so {verdict}"


def status_steps(fact: Fact) -> list[str]:
    """Return what was known before, then the steps of the judgement, then what follows from it."""
    before, declared = snapshot_of(fact, "prev_"), snapshot_of(fact)
    if fact["verdict"] == "after_close":
        return [f"{_ended(fact)}."]
    steps = [_before(fact, before)]
    match fact["verdict"]:
        case "duplicate" | "late":
            steps.append(f"{_history(fact)}.")
        case _:
            steps += reasoning(_event(fact), fact["event_family"], before, declared)
    after = declared if fact["moved"] else before
    meaning = STATE_MEANINGS.get(after.state, "")
    return [*steps, f"{'Now' if fact['moved'] else 'Still'} {_told(after)}{f': {meaning}' if meaning else ''}."]


def _event(fact: Fact) -> str:
    return shown(fact["event"]) or "an event without a name"


def _told(snapshot: Snapshot) -> str:
    return f"{shown(snapshot.state) or 'no state'} {counters_of(snapshot)}"


def _before(fact: Fact, before: Snapshot) -> str:
    since, at = fact["prev_since"], fact["at"]
    return f"Before: {_told(before)}, {before.state} since {shown_time(since)} ({shown_length(at - since)})."


def _why(fact: Fact, before: Snapshot, declared: Snapshot) -> str:
    was, is_ = counters_of(before), counters_of(declared)
    match fact["verdict"]:
        case "diagram":
            return f"an edge of the diagram; counters {was} → {is_} as the event says"
        case "exceptional":
            return f"the diagram's exceptional edge, a connection lost mid-call; counters {was} → {is_} as it says"
        case "steady":
            return f"counters {was} → {is_} as the event says"
        case "notice":
            return f"news, and counters stay {is_}"
        case "implied":
            return f"no edge; counters {was} → {is_} as the event says and agree with {declared.state}"
        case "restart":
            return f"a first connection, {is_} after {was}: the client began again"
        case "teardown":
            return f"counters {was} → {is_} with news: the client tore its call down"
        case "duplicate" | "late":
            return _history(fact)
        case "after_close":
            return _ended(fact)
    return _wrong(fact, before, declared)


def _wrong(fact: Fact, before: Snapshot, declared: Snapshot) -> str:
    if fact["reason"] == "unknown_state":
        return f"{shown(declared.state) or 'no state'} is none of the seven states"
    expected, counters = expected_counters(before, fact["event_family"]), counters_of(declared)
    meant = meant_state(declared)
    if fact["reason"] == "counter_jump":
        return f"counters should be {expected} but are {counters}, which agree with {declared.state}"
    jumped = "" if expected == counters else f"counters should be {expected}, and "
    return f"{jumped}counters {counters} mean {meant}" + ("" if state_agrees(declared) else f", not {declared.state}")


def _history(fact: Fact) -> str:
    known = fact["known"]
    if fact["verdict"] == "late":
        highest = known.get("highest_seq")
        above = f"{highest}, the highest one before" if highest else "the highest one before"
        return f"its number {fact['client_seq']} is not above {above}"
    place = f" (at {known['sent_before']})" if known.get("sent_before") else ""
    return f"its id {shown(fact['input_id'])} came before{place}"


def _ended(fact: Fact) -> str:
    if fact["reason"] == "unknown_session":
        return "nobody opened this session, and such a status may not"
    closed_at = fact["known"].get("closed_at")
    when = f", at {shown_time(closed_at)}" if closed_at else ""
    return f"the session was over: {ended_how(fact['reason'])}{when}"
