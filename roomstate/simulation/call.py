"""One simulated call as the inputs that its clients send, in the order of time. Pure.

Everybody posts what they see: their own connection and stream, and those of whoever is there at the same time, in the
sequences of contract 2.8. Times are milliseconds after the call's start.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from roomstate.simulation.client_rule import (
    CONNECT_FAILED,
    NETWORK_LOST,
    OWN_CONNECTED,
    PEER_CONNECTED,
    PEER_GONE,
    PEER_STREAM,
    PEER_STREAM_GONE,
    PUBLISHED,
    SUBSCRIBED,
    ClientRule,
)
from roomstate.simulation.misbehaviour import misbehaved
from roomstate.simulation.people import Person, people_of_a_call, refused
from roomstate.simulation.steps import Scene, Step, scene_of

_REFRESH_EVERY_MS: Final = 270_000
_SEES_STREAM_MS: Final = 90
_SUBSCRIBES_MS: Final = 260
_SEATS: Final = {2: 0.25, 4: 0.45, 8: 0.3}
_WITHOUT_A_WORD: Final = frozenset({"crashed", "vanished", "ghost", "reloaded"})
_RELOADED_SEQ: Final = 1_000
"""Where a client's numbers go on after a reload."""


@dataclass(frozen=True, slots=True)
class CallShape:
    """What calls are like; what goes on beside them lasts in proportion."""

    talk_s: float = 60.0
    """Median length of a talk."""
    misbehaving: float = 0.0
    """Share of the people whose version of the client breaks the rules."""
    lease_ms: int = 0
    """Lease that clients ask for; 0 = what the server gives."""


def planned_call(random: Random, room: str, starts_ms: int, shape: CallShape) -> Scene:
    """Return the call that follows from the random generator's state."""
    (seats,) = random.choices(tuple(_SEATS), tuple(_SEATS.values()))
    people = people_of_a_call(random, shape.talk_s, shape.misbehaving)
    people = [
        refused(person) if person.user >= seats else person
        for person in people
        if person.user < seats or not person.is_reload
    ]
    owner = f"{room}-user-0"
    create = {"kind": "room_create", "room": room, "user": owner, "max_size": seats, "id": f"{room}-create"}
    steps = [Step(0, create, True)]
    for person in people:
        others = [other for other in people if other.user != person.user and other.is_seen]
        stay = list(_stay(room, person, others, shape.lease_ms))
        steps += misbehaved(random, stay, person.client.faults)
    return scene_of("call", room, starts_ms, steps)


def _stay(room: str, person: Person, others: Iterable[Person], lease_ms: int) -> Iterator[Step]:
    """Yield what one person's client sends in one stay."""
    session = f"{room}-{person.number}"
    about: dict[str, Any] = {"room": room, "session": session, "user_agent": person.client.user_agent}
    opening = {
        **about,
        "kind": "open",
        "user": f"{room}-user-{person.user}",
        "device_type": person.client.device_type,
        "app": "simulation",
        "id": f"{session}-open",
    }
    if lease_ms:
        opening["lease_ms"] = lease_ms
    if not person.is_reload:
        yield Step(person.joins_ms, opening, True)
    if person.ending != "refused":
        rule = ClientRule(person.client.follows_diagram)
        first = _RELOADED_SEQ if person.is_reload else 1
        for number, (at_ms, event) in enumerate(sorted(_seen(person, others), key=lambda seen: seen[0]), first):
            if event == NETWORK_LOST and person.tears_down:
                rule = ClientRule(person.client.follows_diagram)
            status = {**about, **rule.after(event)._asdict(), "seq": number, "id": f"{session}-{number}"}
            yield Step(at_ms, {"kind": "status", "implicit": False, **status}, False)
        yield from _refreshes(about, person, lease_ms)
    if person.ending not in _WITHOUT_A_WORD:
        yield Step(person.leaves_ms, {**about, "kind": "close", "id": f"{session}-close"}, False)


def _refreshes(about: dict[str, Any], person: Person, lease_ms: int) -> Iterator[Step]:
    every_ms = lease_ms * 9 // 10 or _REFRESH_EVERY_MS
    for at_ms in range(person.joins_ms + every_ms, person.leaves_ms, every_ms):
        yield Step(at_ms, {**about, "kind": "refresh", "id": f"{about['session']}-refresh-{at_ms}"}, False)


def _seen(person: Person, others: Iterable[Person]) -> Iterator[tuple[int, str]]:
    """Yield the events that the person's client has during its stay, with their times."""
    if person.ending == "silent":
        return
    if person.ending == "failed":
        yield person.connected_ms, CONNECT_FAILED
        return
    yield person.connected_ms, OWN_CONNECTED
    if person.published_ms is not None and person.published_ms < person.leaves_ms:
        yield person.published_ms, PUBLISHED
    for other in others:
        yield from ((at_ms, event) for at_ms, event in _seen_of(person, other) if at_ms < person.leaves_ms)
    if person.trouble is not None:
        yield person.trouble
    if person.ending == "dropped":
        yield person.leaves_ms, NETWORK_LOST


def _seen_of(person: Person, other: Person) -> Iterator[tuple[int, str]]:
    """Yield what the person sees of somebody else, without regard to when the person leaves."""
    meet_ms = max(person.connected_ms, other.connected_ms)
    if other.gone_ms <= meet_ms:
        return
    yield meet_ms, PEER_CONNECTED
    if other.published_ms is not None and person.hears:
        stream_ms = max(meet_ms, other.published_ms) + _SEES_STREAM_MS
        if stream_ms < other.gone_ms:
            yield stream_ms, PEER_STREAM
            if stream_ms + _SUBSCRIBES_MS < other.gone_ms:
                yield stream_ms + _SUBSCRIBES_MS, SUBSCRIBED
            yield other.gone_ms, PEER_STREAM_GONE
    yield other.gone_ms, PEER_GONE
