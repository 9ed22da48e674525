"""Who comes to a simulated call, when, and how their stay ends. Pure: all follows from the random generator given.

Times are milliseconds after the call's start. Delays are log-normal, as those of networks and of people are: most are
near the median, some are many times as long.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from roomstate.simulation.clients import Client, drawn_caller

Ending = Literal["left", "crashed", "vanished", "dropped", "reloaded", "failed", "silent", "ghost", "refused"]
"""crashed: without a word, and for good. vanished: the same, but back within a minute. dropped: says that its network
is gone, leaves, comes back. reloaded: begins again in the same session, as a page does that is loaded anew. failed:
never gets connected, and says so. silent: never gets connected, and gives up. ghost: stays when all the others have
gone, and never leaves. refused: finds the room full."""
ENDINGS: Final[dict[Ending, float]] = {
    "left": 0.78,
    "crashed": 0.04,
    "vanished": 0.05,
    "dropped": 0.04,
    "reloaded": 0.02,
    "failed": 0.03,
    "silent": 0.025,
    "ghost": 0.015,
}
SIZES: Final = {1: 0.12, 2: 0.58, 3: 0.14, 4: 0.08, 5: 0.05, 6: 0.03}
"""How many people a call is for."""
NO_CAMERA: Final = 0.05
DEAF: Final = 0.03
"""Share of those who never get the others' media."""
TROUBLED: Final = 0.05
"""Share of those whose SDK throws an exception during the call."""
_EXCEPTIONS: Final = ("sdk.exception.1500", "sdk.exception.1554", "sdk.datachannel.error")
_NOTICED_AFTER_MS: Final = 5_000
"""How long the others still see somebody who went without a word."""
_TALK_MAX: Final = 4.0
"""Of the median."""
_GHOST_TALKS: Final = 6
_BACK_MAX_MS: Final = 55_000
_TEARING_DOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Person:
    """One stay of one person."""

    number: int
    """Of the stay within the call, from 0; the first one owns the room."""
    user: int
    joins_ms: int
    connected_ms: int
    published_ms: int | None
    """When camera and microphone are up; None: never."""
    leaves_ms: int
    ending: Ending
    client: Client
    hears: bool = True
    """Whether the others' media ever reach the person."""
    trouble: tuple[int, str] | None = None
    """An exception of the SDK, and when."""
    tears_down: bool = False
    """Whether the client forgets what it counted before it says that its network is gone."""
    is_reload: bool = False
    """Whether this goes on in the session of the part before."""

    @property
    def gone_ms(self) -> int:
        """When the others see that the person is gone."""
        return self.leaves_ms + (_NOTICED_AFTER_MS if self.ending in ("crashed", "vanished") else 0)

    @property
    def is_seen(self) -> bool:
        """Whether the others ever see the person."""
        return self.ending not in ("failed", "silent", "refused")


def people_of_a_call(random: Random, talk_s: float, misbehaving: float) -> list[Person]:
    """Return the stays of one call, by joining; `talk_s` is the median length of a talk in seconds."""
    talk_ms = int(1000 * talk_s * min(random.lognormvariate(0, 0.6), _TALK_MAX))
    (size,) = random.choices(tuple(SIZES), tuple(SIZES.values()))
    others_come_ms = int(random.lognormvariate(0, 0.5) * min(4_000, 1000 * talk_s))
    ends_ms = others_come_ms + talk_ms
    people: list[Person] = []
    for user in range(size):
        joins_ms = others_come_ms + random.randrange(1 + talk_ms // 3) if user > 1 else user * others_come_ms
        leaves_ms = ends_ms + random.randrange(2_500)
        person = _person(random, len(people), user, (joins_ms, leaves_ms), drawn_caller(random, misbehaving))
        if person.ending == "ghost":
            person = replace(person, leaves_ms=int(ends_ms + 1000 * talk_s * _GHOST_TALKS))
        people.append(person)
        people.extend(_back(random, person, leaves_ms))
    return people


def refused(person: Person) -> Person:
    """Return the person as one who finds the room full and goes away."""
    return replace(person, published_ms=None, leaves_ms=person.joins_ms + 1_000, ending="refused", trouble=None)


def _person(random: Random, number: int, user: int, times_ms: tuple[int, int], client: Client) -> Person:
    joins_ms, leaves_ms = times_ms
    (ending,) = random.choices(tuple(ENDINGS), tuple(ENDINGS.values()))
    connected_ms = joins_ms + int(random.lognormvariate(6.0, 0.5))
    if ending == "failed":
        leaves_ms = connected_ms + 200
    elif ending in ("crashed", "vanished", "dropped", "reloaded"):
        leaves_ms = max(joins_ms + (leaves_ms - joins_ms) * random.randrange(20, 90) // 100, connected_ms + 500)
    publishes = ending not in ("failed", "silent") and random.random() >= NO_CAMERA
    published_ms = connected_ms + int(random.lognormvariate(6.3, 0.7)) if publishes else None
    leaves_ms = max(leaves_ms, connected_ms + 200)
    trouble = None
    if random.random() < TROUBLED:
        trouble = random.randrange(connected_ms, leaves_ms), random.choice(_EXCEPTIONS)
    return Person(
        number,
        user,
        joins_ms,
        connected_ms,
        published_ms,
        leaves_ms,
        ending,
        client,
        hears=random.random() >= DEAF,
        trouble=trouble,
        tears_down=random.random() < _TEARING_DOWN,
    )


def _back(random: Random, before: Person, leaves_ms: int) -> Iterator[Person]:
    """Yield the stay, or what follows of it, of a person who comes back: within a minute, after a reload soon."""
    is_reload = before.ending == "reloaded"
    if before.ending not in ("dropped", "vanished") and not is_reload:
        return
    after_ms = random.randrange(800, 3_000) if is_reload else int(random.lognormvariate(8.3, 0.8))
    joins_ms = before.leaves_ms + min(max(after_ms, 500), _BACK_MAX_MS)
    connected_ms = joins_ms + int(random.lognormvariate(6.0, 0.5))
    published_ms = connected_ms + int(random.lognormvariate(6.0, 0.5))
    yield replace(
        before,
        number=before.number + (0 if is_reload else 1),
        joins_ms=joins_ms,
        connected_ms=connected_ms,
        published_ms=published_ms,
        leaves_ms=max(leaves_ms, published_ms + 3_000),
        ending="left",
        trouble=None,
        is_reload=is_reload,
    )
