"""One simulated live stream: it is published, an audience gathers and goes, it is unpublished or breaks off. Pure.

Times are milliseconds after the stream's start.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from roomstate.simulation.call import CallShape
from roomstate.simulation.clients import CALLERS, PUBLISHERS, drawn_client
from roomstate.simulation.steps import Scene, Step, scene_of

BREAKING_OFF: Final = 0.15
"""Share of publishers who go without a word."""
VANISHING: Final = 0.12
"""Share of subscribers who go without a word."""
AUDIENCE_MEDIAN: Final = 7
AUDIENCE_MAX: Final = 150
_SHOW_TALKS: Final = 4
_SHOW_MAX: Final = 2.0
_LEASE_MS: Final = 240_000
_KEPT_ALIVE: Final = 0.45
_EARLY: Final = 0.7
"""Share of the audience who come in the first fifth."""
_NOTICES_MS: Final = 6_000
"""How long at most subscribers need to see that the stream has ended."""


def planned_stream(random: Random, room: str, starts_ms: int, shape: CallShape) -> Scene:
    """Return the stream that follows from the random generator's state."""
    lease_ms = shape.lease_ms or _LEASE_MS
    ends_ms = int(1000 * shape.talk_s * _SHOW_TALKS * min(random.lognormvariate(0, 0.5), _SHOW_MAX))
    steps = list(_published(random, room, ends_ms, lease_ms))
    audience = min(int(AUDIENCE_MEDIAN * random.lognormvariate(0, 1.0)), AUDIENCE_MAX)
    for number in range(audience):
        steps += _watched(random, f"{room}-{number}", room, ends_ms, lease_ms)
    return scene_of("stream", room, starts_ms, steps)


def _published(random: Random, room: str, ends_ms: int, lease_ms: int) -> Iterator[Step]:
    agent = drawn_client(random, PUBLISHERS).user_agent
    about = {"room_kind": "stream", "room": room, "user": f"{room}-publisher", "user_agent": agent}
    for number, at_ms in enumerate(range(0, ends_ms, int(lease_ms * _KEPT_ALIVE))):
        publish = {**about, "kind": "publish", "lease_ms": lease_ms, "id": f"{room}-publish-{number}"}
        yield Step(at_ms, publish, number == 0)
    if random.random() >= BREAKING_OFF:
        yield Step(ends_ms, {**about, "kind": "unpublish", "id": f"{room}-unpublish"}, False)


def _watched(random: Random, session: str, room: str, ends_ms: int, lease_ms: int) -> Iterator[Step]:
    share = 0.2 if random.random() < _EARLY else 0.95
    comes_ms = 500 + int(ends_ms * share * random.random())
    goes_ms = comes_ms + int((ends_ms - comes_ms) * min(random.lognormvariate(-0.2, 0.7), 1.0))
    if goes_ms >= ends_ms:
        goes_ms = ends_ms + random.randrange(_NOTICES_MS)
    client = drawn_client(random, CALLERS)
    about: dict[str, Any] = {
        "room_kind": "stream",
        "room": room,
        "session": session,
        "user_agent": client.user_agent,
        "device_type": client.device_type,
    }
    opening = {"kind": "open", "user": f"{session}-user", "app": "simulation", "lease_ms": lease_ms}
    yield Step(comes_ms, {**about, **opening, "id": f"{session}-open"}, False)
    every_ms = int(lease_ms * _KEPT_ALIVE)
    for number, at_ms in enumerate(range(comes_ms + every_ms, goes_ms, every_ms)):
        yield Step(at_ms, {**about, "kind": "refresh", "id": f"{session}-refresh-{number}"}, False)
    if random.random() >= VANISHING:
        yield Step(goes_ms, {**about, "kind": "close", "id": f"{session}-close"}, False)
