"""Planned scenes put into the state machine, as ingest, processor and player would."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from roomstate.simulation.steps import Scene, Step
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.room import Room, Rules

BEGAN_MS = 1_700_000_000_000


class Decided(NamedTuple):
    """A fact, and the step that caused it."""

    fact: Fact
    step: Step


def decided(scene: Scene, rules: Rules | None = None) -> list[Decided]:
    """Return every fact of the scene; who is turned away sends nothing more."""
    return decided_steps(scene.room_kind, scene.room, scene.steps, rules or Rules())


def decided_steps(room_kind: str, room: str, steps: Iterable[Step], rules: Rules) -> list[Decided]:
    """Return every fact of the steps in one room."""
    state = Room(room_kind, room)
    found: list[Decided] = []
    turned_away = set[str]()
    for step in steps:
        body: dict[str, Any] = {"room_kind": room_kind, **step.body}
        if body.get("session") in turned_away:
            continue
        for fact in decide(state, Input(**body, received_at_ms=BEGAN_MS + step.at_ms), rules):
            evolve(state, fact)
            found.append(Decided(fact, step))
            if fact.name in ("open_refused", "refresh_refused") and step.is_waited_for:
                turned_away.add(body["session"])
    return found
