"""Inputs and rooms with defaults, and a room that is played input by input."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact, Snapshot
from state_machine.inputs import Input
from state_machine.room import Room, Rules, Session

T0_MS = 1_790_000_000_000
RULES = Rules()
LEASE_MS = RULES.call_lease_ms


def command(kind: str, session: str = "", at: int = 0, **members: Any) -> Input:
    """Return a command received `at` milliseconds after the beginning."""
    return Input(kind=kind, received_at_ms=T0_MS + at, session=session, **members)


def status(session: str = "a", at: int = 0, declared: str = "waiting 1/0/0", **members: Any) -> Input:
    """Return a status; `declared` reads `state connections/send/recv`."""
    state, connections, send_streams, recv_streams = snapshot(declared)
    event = members.pop("event", "Session.connectionCreated")
    return Input(
        "status",
        T0_MS + at,
        session=session,
        event=event,
        state=state,
        connections=connections,
        send_streams=send_streams,
        recv_streams=recv_streams,
        **members,
    )


def snapshot(text: str) -> Snapshot:
    """Return the snapshot that reads `state connections/send/recv`."""
    state, counters = text.split()
    connections, send_streams, recv_streams = map(int, counters.split("/"))
    return Snapshot(state, connections, send_streams, recv_streams)


@dataclass
class Played:
    """A room, what was decided about it so far, and nothing else."""

    room: Room = field(default_factory=lambda: Room("call", "r"))
    rules: Rules = RULES
    facts: list[Fact] = field(default_factory=list)

    def take(self, item: Input) -> list[Fact]:
        """Decide one input, apply what follows and return it."""
        facts = decide(self.room, item, self.rules)
        for fact in facts:
            evolve(self.room, fact)
        self.facts += facts
        return facts

    def answer(self, item: Input) -> Fact:
        """Take the input and return its answer."""
        return self.take(item)[-1]

    def session(self, session_id: str = "a") -> Session:
        """Return a copy of the session as it is now."""
        return deepcopy(self.room.sessions[session_id])

    def inside(self) -> list[str]:
        """Return who is inside, in the order of their openings."""
        return [each.session_id for each in self.room.sessions.values() if each.closed_at_ms == 0]


def played(*items: Input, room_kind: str = "call", rules: Rules = RULES) -> Played:
    """Return a room that has taken the inputs."""
    room = Played(Room(room_kind, "r"), rules)
    for item in items:
        room.take(item)
    return room


def told(facts: list[Fact]) -> list[tuple[int, str, str, str]]:
    """Return the facts in short: index, name, session, reason."""
    return [(fact.index, fact.name, fact.session_id, fact.reason) for fact in facts]
