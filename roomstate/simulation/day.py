"""When things begin: at random, as often as the hour of the day has it. Pure."""

from collections.abc import Iterator
from random import Random
from typing import Final

BY_HOUR: Final = (
    *(0.30, 0.18, 0.10, 0.07, 0.06, 0.08, 0.14, 0.26, 0.40, 0.50, 0.55, 0.56),
    *(0.55, 0.56, 0.58, 0.60, 0.66, 0.76, 0.88, 0.97, 1.00, 0.93, 0.74, 0.50),
)
"""How busy the day is at each full hour, 1 at its busiest; between them it changes evenly."""
_HOUR_MS: Final = 3_600_000
_HOURS: Final = len(BY_HOUR)


def busy_at(hour: float) -> float:
    """Return how busy the day is, 1 at its busiest; hours may go beyond 24."""
    whole = int(hour // 1)
    part = hour - whole
    return BY_HOUR[whole % _HOURS] * (1 - part) + BY_HOUR[(whole + 1) % _HOURS] * part


def arrivals_ms(random: Random, per_minute: float, hour: float) -> Iterator[float]:
    """Yield when things begin, in milliseconds after the first, which begins at the hour of the day.

    Units: `per_minute` is how many begin in a minute at that hour; as the day goes on they become more or fewer.
    """
    at_ms = 0.0
    at_most = per_minute / busy_at(hour) / 60_000
    while True:
        yield at_ms
        at_ms += random.expovariate(at_most)
        while random.random() >= busy_at(hour + at_ms / _HOUR_MS):
            at_ms += random.expovariate(at_most)
