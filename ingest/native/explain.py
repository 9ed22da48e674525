"""A fact explained: in a sentence, by its rule, step by step, with what was known before and its place in the log."""

from collections.abc import Mapping
from typing import Any

from ingest.native.explain_facts import NEVER, fact_words
from ingest.native.explain_status import snapshot_of, status_steps, status_words
from state_machine.facts import Snapshot
from state_machine.reasoning import expected_counters
from state_machine.rulebook import rule_of
from state_machine.vocabulary import RULE_VERSION
from storage.fact_places import place_of

Fact = Mapping[str, Any]


def explained(fact: dict[str, Any]) -> dict[str, Any]:
    """Return the fact with its explanation before its own columns.

    Shape: `fact` has the columns of `room_events`, `same_input`, and `known` if it is of a session's story.
    """
    is_status = fact["fact"] == "status_judged"
    is_known_rule = fact["rule_version"] == RULE_VERSION
    rule = rule_of(fact["fact"], fact["verdict"], fact["reason"])
    return {
        "words": status_words(fact) if is_status else fact_words(fact),
        "rule": rule.text if is_known_rule else _of_another_version(fact),
        "rule_name": rule.name,
        "because": status_steps(fact) if is_status and is_known_rule else [],
        "place": str(place_of(fact)),
        **_snapshots(fact),
        **fact,
        **({"known": _known(fact)} if "known" in fact else {}),
    }


def _of_another_version(fact: Fact) -> str:
    version = fact["rule_version"]
    return f"It was decided by version {version} of the rules; this program can explain version {RULE_VERSION}."


def _snapshots(fact: Fact) -> dict[str, Any]:
    """Return the snapshot before, since when and for how long; what was declared and expected; the one after."""
    before, declared = snapshot_of(fact, "prev_"), snapshot_of(fact)
    told: dict[str, Any] = {"before": None, "declared": None, "expected": None}
    if before.state:
        lasted = fact["at"] - fact["prev_since"]
        told["before"] = {
            **before._asdict(),
            "since": fact["prev_since"],
            "for_ms": round(lasted.total_seconds() * 1000),
        }
    if fact["fact"] == "status_judged":
        told["declared"] = declared._asdict()
        if before.state:
            told["expected"] = expected_counters(before, fact["event_family"])._asdict()
    return {**told, "after": _after(fact, before, declared)}


def _after(fact: Fact, before: Snapshot, declared: Snapshot) -> dict[str, Any] | None:
    if fact["fact"] == "session_closed":
        return None
    after = declared if fact["moved"] else before
    return after._asdict() if after.state else None


def _known(fact: Fact) -> dict[str, Any]:
    known = dict(fact["known"])
    if known.get("sent_before"):
        known["sent_before"] = str(known["sent_before"])
    if fact["opened_at"] != NEVER:
        known["opened_at"] = fact["opened_at"]
    return known
