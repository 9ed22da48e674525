"""Who comes to a simulated call, when, and how their stay ends. Pure: all follows from the random generator given.

Shape of the times: milliseconds after the call's start.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

Ending = Literal["left", "crashed", "dropped", "failed", "refused"]
"""crashed: without a word. dropped: says that its network is gone, leaves, comes back. failed: never gets connected.
refused: finds the room full."""

USER_AGENTS: Final = (
    ("Mozilla/5.0 (Windows NT 10.0; rv:142.0) Firefox/142.0", "desktop"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "desktop"),
    ("Mozilla/5.0 (Macintosh) Version/18.4 Safari/605.1.15", "desktop"),
    ("RoomPhone/4.2 (Android 15)", "mobile"),
)
FAULTY_AGENTS: Final = (("RoomPhone/3.9 (Android 13)", "mobile"), ("MeetBox/0.8", "room system"))

_NOBODY_ELSE: Final = 0.15
_THIRD_PERSON: Final = 0.12
_NO_CAMERA: Final = 0.05
_ENDINGS: Final[dict[Ending, float]] = {"left": 0.86, "crashed": 0.06, "dropped": 0.05, "failed": 0.03}
_NOTICED_AFTER_MS: Final = 5_000
"""How long the others still see somebody who crashed."""


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
    is_misbehaving: bool
    user_agent: str
    device_type: str

    @property
    def gone_ms(self) -> int:
        """When the others see that the person is gone."""
        return self.leaves_ms + (_NOTICED_AFTER_MS if self.ending == "crashed" else 0)

    @property
    def is_seen(self) -> bool:
        """Whether the others ever see the person."""
        return self.ending not in ("failed", "refused")


def people_of_a_call(random: Random, talk_s: float, misbehaving: float) -> list[Person]:
    """Return the stays of one call, by joining; `talk_s` is the median length of a talk in seconds."""
    talk_ms = int(1000 * talk_s * random.lognormvariate(0, 0.6))
    others_come_ms = int(random.lognormvariate(0, 0.5) * min(4_000, 1000 * talk_s))
    ends_ms = others_come_ms + talk_ms
    joins = [0]
    if random.random() >= _NOBODY_ELSE:
        joins.append(others_come_ms)
        if random.random() < _THIRD_PERSON:
            joins.append(others_come_ms + talk_ms // 3)
    people: list[Person] = []
    for user, joins_ms in enumerate(joins):
        leaves_ms = ends_ms + random.randrange(2_500)
        person = _person(random, len(people), user, (joins_ms, leaves_ms), misbehaving)
        people.append(person)
        if person.ending == "dropped":
            back_ms = person.leaves_ms + random.randrange(1_000, 8_000)
            people.append(_come_back(random, person, len(people), back_ms, max(leaves_ms, back_ms + 3_000)))
    return people


def refused(person: Person) -> Person:
    """Return the person as one who finds the room full and goes away."""
    return replace(person, published_ms=None, leaves_ms=person.joins_ms + 1_000, ending="refused", is_misbehaving=False)


def _person(random: Random, number: int, user: int, times_ms: tuple[int, int], misbehaving: float) -> Person:
    joins_ms, leaves_ms = times_ms
    is_misbehaving = random.random() < misbehaving
    (ending,) = random.choices(tuple(_ENDINGS), tuple(_ENDINGS.values()))
    agents = FAULTY_AGENTS if is_misbehaving and random.random() < 0.8 else USER_AGENTS
    user_agent, device_type = random.choice(agents)
    connected_ms = joins_ms + int(random.lognormvariate(6.0, 0.5))
    if ending == "failed":
        leaves_ms = connected_ms + 200
    elif ending != "left":
        leaves_ms = max(joins_ms + (leaves_ms - joins_ms) * random.randrange(20, 90) // 100, connected_ms + 500)
    publishes = ending != "failed" and random.random() >= _NO_CAMERA
    published_ms = connected_ms + int(random.lognormvariate(6.3, 0.7)) if publishes else None
    leaves_ms = max(leaves_ms, connected_ms + 200)
    return Person(
        number, user, joins_ms, connected_ms, published_ms, leaves_ms, ending, is_misbehaving, user_agent, device_type
    )


def _come_back(random: Random, before: Person, number: int, joins_ms: int, leaves_ms: int) -> Person:
    connected_ms = joins_ms + int(random.lognormvariate(6.0, 0.5))
    published_ms = connected_ms + int(random.lognormvariate(6.0, 0.5))
    return replace(
        before,
        number=number,
        joins_ms=joins_ms,
        connected_ms=connected_ms,
        published_ms=published_ms,
        leaves_ms=max(leaves_ms, published_ms + 500),
        ending="left",
        is_misbehaving=False,
    )
