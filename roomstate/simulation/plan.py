"""Which calls there are, and when they begin. Pure: the same traffic gives the same plan."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from roomstate.simulation.call import Call, CallShape, planned_call


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is to be simulated."""

    seed: str
    calls: int = 100
    """0 = without end."""
    calls_per_minute: float = 30.0
    shape: CallShape = field(default_factory=CallShape)


def planned_calls(traffic: Traffic, name: str) -> Iterator[Call]:
    """Yield the calls by their start; their rooms are named `sim-<name>-<number>`.

    Guarantees: a call depends on nothing but the traffic and its number, so that plans of any length agree.
    """
    arrivals = Random(f"{traffic.seed}/arrivals")
    starts_ms = 0.0
    for number in range(traffic.calls) if traffic.calls else count():
        random = Random(f"{traffic.seed}/{number}")
        yield planned_call(random, f"sim-{name}-{number}", int(starts_ms), traffic.shape)
        starts_ms += arrivals.expovariate(traffic.calls_per_minute / 60_000)
