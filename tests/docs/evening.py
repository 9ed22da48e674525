"""An evening that is always the same: forty calls, a few households that play, two streams, on the 1st of May 2026.

Planned from a seed with nothing but `random()`, so that the numbers in the documents stay; what is decided about it,
the real core says. A person's steps are times in seconds after the evening's beginning and the inputs that they post.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from state_machine.inputs import Input

BEGINS_MS: Final = round(datetime(2026, 5, 1, 19, tzinfo=UTC).timestamp() * 1000)
EVENING_S: Final = 3 * 3600
_CALLS: Final = 40
_REFRESH_S: Final = 240
_AGENTS: Final = (("Firefox/52.0", 0.55), ("Chrome/58.0", 0.8), ("Firefox/45.0", 0.95), ("Homebrew/0.3", 1.01))


@dataclass
class Person:
    """Somebody in a call: what they know of it, and what they have posted."""

    room: str
    session: str
    user: str
    agent: str
    counters: list[int] = field(default_factory=lambda: [0, 0, 0])
    inputs: list[Input] = field(default_factory=list)

    def post(self, at_s: float, kind: str, **members: Any) -> None:
        """Post something that is no status."""
        named: dict[str, Any] = {
            "room": self.room,
            "session": self.session,
            "user": self.user,
            "user_agent": self.agent,
        }
        self.inputs.append(Input(kind, BEGINS_MS + round(at_s * 1000), **named, **members))

    def say(self, at_s: float, event: str, change: tuple[int, int, int] = (0, 0, 0)) -> None:
        """Post a status: the counters moved, and the state that real clients derive from them."""
        self.counters = [max(0, counter + step) for counter, step in zip(self.counters, change, strict=True)]
        connections, sent, received = self.counters
        state = _state_of(connections, sent, received)
        if self.agent.startswith("Homebrew") and event == "Publisher.streamCreated":
            # A client that takes the state for granted which it hopes for.
            state = "sendrecv"
        counted: dict[str, Any] = {"connections": connections, "send_streams": sent, "recv_streams": received}
        self.post(at_s, "status", event=event, state=state, implicit=False, **counted)


def _state_of(connections: int, sent: int, received: int) -> str:
    if sent or received:
        return "sendrecv" if sent and received else "sending" if sent else "receiving"
    return ("init", "waiting")[connections] if connections < 2 else "starting"


def evening() -> list[Input]:
    """Return its inputs in the order of their receiving; leases that run out are not among them."""
    rng = random.Random(20_260_501)
    items = [item for number in range(_CALLS) for item in _call(rng, f"call-{number:02}")]
    items += [item for number in range(6) for item in _household(rng, f"home-{number}")]
    items += [item for name in ("live/derby", "live/news") for item in _stream(rng, name)]
    return sorted(items, key=lambda item: (item.received_at_ms, item.room, item.session))


def _call(rng: random.Random, room: str) -> Iterator[Input]:
    # More of them early in the evening.
    begins_s = 20 + EVENING_S * 0.75 * rng.random() ** 1.5
    people = [_person(rng, room, number) for number in range(_whole(rng, 1.2, 3.6))]
    joins_s = [begins_s + 25 * number * (0.3 + rng.random()) for number in range(len(people))]
    talk_s = 40 + 900 * rng.random() ** 2
    for person, joins_at_s in zip(people, joins_s, strict=True):
        person.post(joins_at_s, "open")
        person.say(joins_at_s + 0.4 + rng.random(), "Session.connectionCreated", (1, 0, 0))
    if len(people) > 1:
        _talk(rng, people, joins_s, talk_s)
    for person in people:
        _go(rng, person, max(joins_s) + talk_s + 20 * rng.random())
        yield from person.inputs


def _person(rng: random.Random, room: str, number: int) -> Person:
    chance = rng.random()
    agent = next(name for name, up_to in _AGENTS if chance < up_to)
    return Person(room, f"{room}-{'abcd'[number]}", f"user-{_whole(rng, 0, 60):02}", agent)


def _talk(rng: random.Random, people: list[Person], joins_s: list[float], talk_s: float) -> None:
    together_s = max(joins_s)
    for place, person in enumerate(people):
        meets_s = max(joins_s[place], joins_s[1 if place == 0 else 0]) + 1.6
        person.say(meets_s + 0.2 * rng.random(), "Session.connectionCreated", (1, 0, 0))
        if rng.random() < 0.09:
            person.say(meets_s + 2, "sdk.exception.OT_USER_MEDIA_ACCESS_DENIED")
        else:
            person.say(meets_s + 1 + 4 * rng.random() ** 2, "Publisher.streamCreated", (0, 1, 0))
        if rng.random() < 0.92:
            person.say(meets_s + 5 + 3 * rng.random(), "Session.streamCreated", (0, 0, 1))
        for later in range(2, len(people)):
            if later != place:
                comes_s = max(meets_s + 8.2, joins_s[later] + 2) + later
                person.say(comes_s, "Session.connectionCreated", (1, 0, 0))
                person.say(comes_s + 0.6, "Session.streamCreated", (0, 0, 1))
        _stay(rng, person, joins_s[place], together_s + talk_s)


def _stay(rng: random.Random, person: Person, from_s: float, until_s: float) -> None:
    for number in range(1, 1 + int((until_s - from_s) / _REFRESH_S)):
        person.post(from_s + number * _REFRESH_S, "refresh")
    if rng.random() < 0.12:
        drops_s = from_s + (until_s - from_s) * (0.5 + 0.3 * rng.random())
        person.inputs = [item for item in person.inputs if item.received_at_ms < BEGINS_MS + drops_s * 1000]
        person.say(drops_s, "Session.networkDisconnected", (-9, -9, -9))
        person.post(drops_s + 0.1, "close")
        person.session += "2"
        back_s = drops_s + 5 + 40 * rng.random()
        person.post(back_s, "open")
        person.say(back_s + 0.5, "Session.connectionCreated", (1, 0, 0))
        person.say(back_s + 0.7, "Session.connectionCreated", (1, 0, 0))
        person.say(back_s + 1.5, "Publisher.streamCreated", (0, 1, 0))
        person.say(back_s + 2.5, "Session.streamCreated", (0, 0, 1))


def _go(rng: random.Random, person: Person, at_s: float) -> None:
    """Leave: mostly as the diagram has it, sometimes at once, sometimes by a crash."""
    chance = rng.random()
    if chance < 0.15:
        return
    if chance < 0.75:
        if person.counters[2]:
            person.say(at_s, "Session.streamDestroyed", (0, 0, -1))
        if person.counters[1]:
            person.say(at_s + 0.1, "Publisher.streamDestroyed", (0, -1, 0))
    person.post(at_s + 0.5, "close")


def _household(rng: random.Random, account: str) -> Iterator[Input]:
    for number in range(_whole(rng, 3, 7)):
        begins_s = 300 + 4000 * rng.random()
        device = ("tv", "phone")[rng.random() < 0.25]
        named: dict[str, Any] = {
            "room_kind": "account",
            "room": account,
            "session": f"{account}-play-{number}",
            "user": account,
        }
        opened = Input("open", _ms(begins_s), **named, device_type=device, service="films", lease_ms=1_800_000)
        yield opened
        if rng.random() < 0.7:
            yield Input("close", _ms(begins_s + 1500 * rng.random()), **named)


def _stream(rng: random.Random, name: str) -> Iterator[Input]:
    named: dict[str, Any] = {"room_kind": "stream", "room": name}
    begins_s = 600 + 900 * rng.random()
    yield Input("publish", _ms(begins_s), **named, extra={"node": "origin-1", "region": "eu"})
    for number in range(_whole(rng, 5, 12)):
        comes_s = begins_s + 4000 * rng.random()
        watcher: dict[str, Any] = {**named, "session": f"{name.partition('/')[2]}-{number:02}"}
        yield Input("open", _ms(comes_s), **watcher, lease_ms=7_200_000)
        yield Input("close", _ms(comes_s + 60 + 1800 * rng.random()), **watcher)
    yield Input("unpublish", _ms(begins_s + 6000), **named)


def _whole(rng: random.Random, least: float, below: float) -> int:
    return int(least + (below - least) * rng.random())


def _ms(at_s: float) -> int:
    return BEGINS_MS + round(at_s * 1000)
