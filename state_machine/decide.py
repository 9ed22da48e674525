"""Deciding one input about one room: facts in the order in which they apply, the answer (index 0) last.

First what has expired is closed, dated at each lease's end, or at the room's own; then the input itself is decided on
what is left. Total
and pure: every input gets an answer, nothing raises on data, the room stays as it was. A command whose id was answered
before changes nothing; its answer names the earlier one.
Source: design sections 4 and 5.
"""

from collections.abc import Callable, Mapping
from typing import Final

from state_machine import commands
from state_machine.endings import ended_sessions
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.leases import expired_sessions, settled
from state_machine.openings import decide_open
from state_machine.publications import decide_publish, decide_unpublish, ended_publication
from state_machine.room import Room, Rules
from state_machine.statuses import decide_status

Decider = Callable[[Room, Input, Rules, int], list[Fact]]

_COMMANDS: Final[Mapping[str, Decider]] = {
    "open": decide_open,
    "refresh": commands.decide_refresh,
    "close": commands.decide_close,
    "kill": commands.decide_kill,
    "expire": commands.decide_expire,
    "room_create": commands.decide_room_create,
    "room_update": commands.decide_room_update,
    "room_delete": commands.decide_room_delete,
    "publish": decide_publish,
    "unpublish": decide_unpublish,
    "log_domains": commands.decide_log_domains,
    "register": commands.decide_register,
}


def decide(room: Room, item: Input, rules: Rules) -> list[Fact]:
    """Return what follows from the input, consequences 1, 2, … first and the answer, 0, last."""
    closings = expired_sessions(room, item.received_at_ms) if item.received_at_ms >= room.next_lease_end_ms else []
    if room.publication is not None:
        closings += ended_publication(room, item.received_at_ms, len(closings) + 1)
    if closings:
        room = settled(room, closings)
    if item.kind == "status":
        facts = decide_status(room, item, rules, len(closings) + 1)
        return [*closings, *facts] if closings else facts
    earlier = room.answers.get(item.id) if item.id else None
    if earlier is not None:
        return [*closings, _repeated(item, earlier)]
    facts = _command_decided(room, item, rules, closings)
    facts[-1].command_id = item.id
    return facts


def _repeated(item: Input, earlier: Fact) -> Fact:
    fact = commands.ignored(item, "duplicate")
    fact.repeats = earlier
    return fact


def _command_decided(room: Room, item: Input, rules: Rules, closings: list[Fact]) -> list[Fact]:
    if item.kind == "expire":
        closings, answer = _expiry_answered(closings, item)
        if answer is not None:
            return [*closings, answer]
    elif ended := ended_sessions(room, item.received_at_ms, len(closings) + 1):
        closings = [*closings, *ended]
        room = settled(room, ended)
    decider = _COMMANDS.get(item.kind)
    if decider is None:
        return [*closings, commands.ignored(item, "unknown_kind")]
    return [*closings, *decider(room, item, rules, len(closings) + 1)]


def _expiry_answered(closings: list[Fact], item: Input) -> tuple[list[Fact], Fact | None]:
    """Make the closing that the input asked about its answer, if it is among those found."""
    answer = next((fact for fact in closings if fact.session_id == item.session), None)
    if answer is None:
        return closings, None
    others = [fact for fact in closings if fact is not answer]
    for index, fact in enumerate(others, 1):
        fact.index = index
    answer.index = 0
    return others, answer
