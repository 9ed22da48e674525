"""Which scenes there are, and when they begin. Pure: the same traffic gives the same plan."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from random import Random

from roomstate.simulation.account import planned_account
from roomstate.simulation.call import CallShape, planned_call
from roomstate.simulation.day import arrivals_ms
from roomstate.simulation.steps import Scene
from roomstate.simulation.stream import planned_stream


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is to be simulated."""

    seed: str
    calls: int = 100
    """0 = without end."""
    calls_per_minute: float = 30.0
    """At the beginning; then as the day has it."""
    shape: CallShape = field(default_factory=CallShape)
    hour: float = 18.0
    """Of the day, at which the traffic begins."""
    playback: float = 0.0
    """Accounts that begin to play, for each call."""
    streams: float = 0.0
    """Streams that are published, for each call."""


def planned_scenes(traffic: Traffic, name: str) -> Iterator[Scene]:
    """Yield the scenes by their start; their rooms are named `sim-<name>-<number>`, a stream `sim-<name>/<number>`.

    Guarantees: a scene depends on nothing but the traffic and its number, so that plans of any length agree.
    """
    starts_ms = arrivals_ms(Random(f"{traffic.seed}/arrivals"), traffic.calls_per_minute, traffic.hour)
    for number, start_ms in enumerate(islice(starts_ms, traffic.calls or None)):
        room, begin_ms, shape = f"sim-{name}-{number}", int(start_ms), traffic.shape
        yield planned_call(Random(f"{traffic.seed}/{number}"), room, begin_ms, shape)
        random = Random(f"{traffic.seed}/{number}/account")
        if random.random() < traffic.playback:
            yield planned_account(random, f"{room}-account", begin_ms, shape)
        random = Random(f"{traffic.seed}/{number}/stream")
        if random.random() < traffic.streams:
            yield planned_stream(random, f"sim-{name}/{number}", begin_ms, shape)


def planned_calls(traffic: Traffic, name: str) -> Iterator[Scene]:
    """Yield the calls alone."""
    return (scene for scene in planned_scenes(traffic, name) if scene.room_kind == "call")
