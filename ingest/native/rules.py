"""GET /v1/rules: the diagram and the rules in words, as the sessions' stories use them."""

from typing import Any

from state_machine.diagram import EDGES
from state_machine.families import CHANGES, WIRE_NAMES
from state_machine.rulebook import FAMILY_MEANINGS, STATE_MEANINGS, Rule, fact_rules, verdict_rules
from state_machine.vocabulary import RULE_VERSION


def the_rules() -> dict[str, Any]:
    """Return states, events, edges and rules."""
    return {
        "rule_version": RULE_VERSION,
        "states": [{"state": state, "meaning": meaning} for state, meaning in STATE_MEANINGS.items()],
        "families": [
            {
                "family": family,
                "meaning": meaning,
                "events": list(WIRE_NAMES.get(family, ())),
                "change": CHANGES[family]._asdict(),
            }
            for family, meaning in FAMILY_MEANINGS.items()
        ],
        "edges": [edge._asdict() for edge in EDGES],
        "verdicts": [_told(rule) for rule in verdict_rules()],
        "facts": [_told(rule) for rule in fact_rules()],
    }


def _told(rule: Rule) -> dict[str, str]:
    return {"rule_name": rule.name, "rule": rule.text}
