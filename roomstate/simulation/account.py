"""One simulated evening of an account: set-top boxes, phones and browsers that play, keep alive, stop, or just go dark.

Pure. Times are milliseconds after the evening's start. Who is refused at the limit gives up; who was replaced hears so
when the session is kept alive next.
"""

from collections.abc import Iterator
from random import Random
from typing import Any, Final

from roomstate.simulation.call import CallShape
from roomstate.simulation.clients import PLAYERS, Client, drawn_client
from roomstate.simulation.steps import Scene, Step, scene_of

SESSIONS: Final = {1: 0.34, 2: 0.3, 3: 0.18, 4: 0.1, 6: 0.08}
"""How many sessions an account opens in its evening."""
ZOMBIES: Final = 0.12
"""Share of sessions that are never ended: a box that is switched off."""
REPLACING: Final = 0.15
"""Share of openings that ask for the oldest one's place."""
_WATCH_TALKS: Final = 3
_WATCH_MAX: Final = 3.0
_BEGIN_TALKS: Final = 2
_LEASE_MS: Final = 240_000
_KEPT_ALIVE: Final = 0.45
"""How often in a lease."""
_BITS_PER_MS: Final = 5_000


def planned_account(random: Random, room: str, starts_ms: int, shape: CallShape) -> Scene:
    """Return the evening that follows from the random generator's state."""
    (number,) = random.choices(tuple(SESSIONS), tuple(SESSIONS.values()))
    steps: list[Step] = []
    for session in range(number):
        begins_ms = random.randrange(int(1000 * shape.talk_s * _BEGIN_TALKS) + 1)
        steps += _played(random, f"{room}-{session}", (room, begins_ms), drawn_client(random, PLAYERS), shape)
    return scene_of("account", room, starts_ms, steps)


def _played(random: Random, session: str, begins: tuple[str, int], client: Client, shape: CallShape) -> Iterator[Step]:
    """Yield what a device sends from play to stop."""
    room, begins_ms = begins
    about: dict[str, Any] = {
        "room_kind": "account",
        "room": room,
        "session": session,
        "user_agent": client.user_agent,
        "device_type": client.device_type,
    }
    lease_ms = shape.lease_ms or _LEASE_MS
    lasts_ms = int(1000 * shape.talk_s * _WATCH_TALKS * min(random.lognormvariate(0, 0.7), _WATCH_MAX))
    opening = {
        **about,
        "kind": "open",
        "user": room,
        "app": "simulation",
        "service": random.choice(("live", "live", "vod", "recording")),
        "lease_ms": lease_ms,
        "id": f"{session}-open",
    }
    if random.random() < REPLACING:
        opening["replace"] = "oldest"
    yield Step(begins_ms, opening, True)
    every_ms = int(lease_ms * _KEPT_ALIVE)
    for number, after_ms in enumerate(range(every_ms, lasts_ms, every_ms)):
        kept = {**about, "kind": "refresh", "bytes_recv": after_ms * _BITS_PER_MS // 8}
        yield Step(begins_ms + after_ms, {**kept, "id": f"{session}-refresh-{number}"}, True)
    if random.random() >= ZOMBIES:
        yield Step(begins_ms + lasts_ms, {**about, "kind": "close", "id": f"{session}-close"}, False)
